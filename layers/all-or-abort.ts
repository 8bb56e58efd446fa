import { setMaxListeners } from "node:events";

/**
 * Like Promise.all over tasks that stop together: the first failure aborts the others, and is thrown when all have ended,
 * so that nothing still writes when the caller cleans up.
 */
export async function allOrAbort<T extends readonly unknown[]>(
  signal: AbortSignal | undefined,
  tasks: { readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]> },
): Promise<T> {
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  // As many listeners as tasks are no leak.
  setMaxListeners(0, either);
  const guarded = tasks.map(async (task) => {
    try {
      return await task(either);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(guarded);
  signal?.throwIfAborted();
  failed.signal.throwIfAborted();
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
