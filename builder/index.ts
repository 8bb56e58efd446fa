export { build } from "./build.ts";
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
export type { BuildOptions, BuildResult, BuildWarning, Output } from "./options.ts";
export { defaultStore } from "./store-location.ts";
