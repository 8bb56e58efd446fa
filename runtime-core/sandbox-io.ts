import type { TerminalSize } from "./sandbox-spec.ts";

/**
 * Output as it comes, input as it is taken. Chunks are bytes, not lines. A listener that returns a promise gets no more output
 * than a few MiB until it is settled: then the step waits.
 */
export interface SandboxIo {
  readonly onStdout?: (chunk: Uint8Array) => unknown;
  readonly onStderr?: (chunk: Uint8Array) => unknown;
  /**
   * What the command reads; nothing, /dev/null, unless given. It is read no faster than the command takes it, and its end is the
   * end of file, on a terminal as if Ctrl-D were typed. A stream is left paused when the command ends first.
   */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Called once, when the step has been started. */
  readonly onStart?: (step: RunningStep) => void;
}

/** Ways to reach a step while it runs; nothing happens once it has ended. */
export interface RunningStep {
  /** Sends the command, and it alone, a signal by its number: kill(2). */
  signal(number: number): void;
  /** Changes the size of its terminal. */
  resize(size: TerminalSize): void;
}
