import type { RunningStep, SandboxResult, TerminalSize } from "../runtime-core/index.ts";
import type { BuildError } from "./errors.ts";

/** A RUN that failed, its root as the command left it. It lasts until `onError` is done. */
export interface FailedStep {
  /** `[build 2/4] RUN npm ci`. */
  readonly name: string;
  /** What the build will fail with. */
  readonly error: BuildError;
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  /** A shell that the root has: that of SHELL, else $SHELL, else /bin/sh; undefined when it has none of them. */
  findShell(): Promise<string | undefined>;
  /** Runs a command where the failed one ran: root, mounts, environment, user, directory and limits, but for the time limit. */
  run(argv: readonly string[], io?: FailedStepIo): Promise<SandboxResult>;
}

/** How a command in a failed step is connected; as `SandboxIo`. */
export interface FailedStepIo {
  readonly terminal?: TerminalSize;
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly onStdout?: (chunk: Uint8Array) => unknown;
  readonly onStderr?: (chunk: Uint8Array) => unknown;
  readonly onStart?: (running: RunningStep) => void;
}
