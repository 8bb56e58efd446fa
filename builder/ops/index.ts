export type { OpContext } from "./context.ts";
export { resolveOp } from "./resolve-op.ts";
