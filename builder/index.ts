export type { DiskUsage, PruneResult, UsageRecord, UsageType } from "../layers/index.ts";
export type { Descriptor, Digest, ImageConfig } from "../registry-client/index.ts";
export type {
  Capability,
  CgroupLimits,
  Compression,
  LimitHit,
  RunningStep,
  SandboxLimits,
  SandboxUsage,
  TerminalSize,
  Ulimit,
} from "../runtime-core/index.ts";
export { build } from "./build.ts";
export { type CheckResult, check } from "./check.ts";
export { diskUsage } from "./disk-usage.ts";
export type {
  CommandLine,
  Dockerfile,
  Heredoc,
  Instruction,
  Position,
  SourceFile,
  SourceRange,
  Stage,
} from "./dockerfile/index.ts";
export { parseDockerfile } from "./dockerfile/index.ts";
export { DEFAULT_EPOCH } from "./epoch.ts";
export type { BuildErrorOptions } from "./errors.ts";
export { BuildError } from "./errors.ts";
export type {
  BuildEvent,
  LogEvent,
  OnEvent,
  StatusEvent,
  UsageEvent,
  VertexEvent,
  WarningEvent,
} from "./events.ts";
export type { FailedStep, FailedStepIo } from "./failed-step.ts";
export type { DiskUsageOptions, PruneOptions } from "./housekeeping-options.ts";
export { CHROOT_WARNING } from "./isolation.ts";
export type { LintWarning } from "./lint/index.ts";
export { limitText } from "./ops/index.ts";
export type {
  BuildOptions,
  BuildResult,
  BuildWarning,
  Entitlement,
  ExtraHost,
  Isolation,
  Output,
  Secret,
  StepReport,
} from "./options.ts";
export { type Outline, outline } from "./outline.ts";
export type { OutlineArg, OutlineMount } from "./outline-capture.ts";
export { prune } from "./prune.ts";
export { run } from "./run.ts";
export type { RunMount, RunOptions, RunResult } from "./run-options.ts";
export type { SshOptions } from "./ssh/index.ts";
export { defaultStore } from "./store-location.ts";
export { type BuildTarget, type TargetList, targets } from "./targets.ts";
