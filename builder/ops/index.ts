export type { CertificatesOfSteps, NetworkOfSteps, OpContext } from "./context.ts";
export { FirstFailure } from "./first-failure.ts";
export { limitText } from "./limit-text.ts";
export { PendingSteps } from "./pending-steps.ts";
export { resolveOp } from "./resolve-op.ts";
export { type Container, runContainer } from "./run-container.ts";
export { StepAccounts } from "./step-accounts.ts";
