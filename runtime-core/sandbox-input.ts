import { Readable } from "node:stream";
import type { SandboxHandle } from "./sandbox-process.ts";

/** What a command reads while it runs. */
export interface SandboxFeed {
  /** The last piece was written, and the next is wanted; or nobody reads any more. */
  written(isOpen: boolean): void;
  /** The step is gone: the source is left as it is, paused. */
  stop(): void;
}

/**
 * Hands a step the bytes of `source`, one piece at a time: as many wait as one piece holds. Its end is the end of the command's
 * input. A source that fails is told to `onError`.
 */
export function feedStep(
  step: SandboxHandle,
  source: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): SandboxFeed {
  const stream = source instanceof Readable ? source : Readable.from(source, { objectMode: true });
  const onData = (piece: Uint8Array | string) => {
    stream.pause();
    step.writeInput(typeof piece === "string" ? Buffer.from(piece) : piece);
  };
  const onEnd = () => step.endInput();
  const stop = () => {
    stream.off("data", onData).off("end", onEnd).off("error", onError).pause();
  };
  stream.on("end", onEnd).on("error", onError).on("data", onData);
  return { written: (isOpen) => (isOpen ? stream.resume() : stop()), stop };
}
