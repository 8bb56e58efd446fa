export type { OpContext } from "./context.ts";
export { PendingSteps } from "./pending-steps.ts";
export { resolveOp } from "./resolve-op.ts";
