import type { SandboxIo } from "./sandbox-io.ts";
import type { SandboxHandle } from "./sandbox-process.ts";

/** Where a step's output goes. */
export interface OutputTaker {
  take(isStdout: boolean, piece: Uint8Array): void;
  /** Resolves once every promise of a listener is settled. */
  delivered(): Promise<void>;
}

/**
 * Hands each piece to its listener, and holds back the next ones while a promise of the listener is not settled. A listener that
 * throws or rejects is told to `onError`, and hears no more.
 */
export function outputTaker(step: SandboxHandle, io: SandboxIo, onError: (error: unknown) => void): OutputTaker {
  const unsettled = new Set<Promise<void>>();
  let isBroken = false;
  const fail = (error: unknown) => {
    isBroken = true;
    onError(error);
  };
  const hold = (taken: Promise<unknown>) => {
    step.pauseOutput();
    const settled = taken.catch(fail).then(() => {
      unsettled.delete(settled);
      if (unsettled.size === 0) step.resumeOutput();
    });
    unsettled.add(settled);
  };
  return {
    take: (isStdout, piece) => {
      if (isBroken) return;
      try {
        const taken = (isStdout ? io.onStdout : io.onStderr)?.(piece);
        if (taken instanceof Promise) hold(taken);
      } catch (error) {
        fail(error);
      }
    },
    delivered: async () => {
      await Promise.all(unsettled);
    },
  };
}
