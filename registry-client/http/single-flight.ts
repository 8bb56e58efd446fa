import { RegistryError } from "../errors.ts";

/** Calls for the same key that run at once share one run. A caller whose signal is aborted leaves; the others go on. */
export class SingleFlight<T> {
  readonly #pending = new Map<string, Promise<T>>();

  async run(key: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    const pending = this.#pending.get(key);
    if (!pending) return this.#start(key, action);
    try {
      return await orAborted(pending, signal);
    } catch (error) {
      // What failed for a reason of its own caller (its signal, its file) is tried by the next one.
      if (error instanceof RegistryError || signal?.aborted) throw error;
      return this.run(key, signal, action);
    }
  }

  #start(key: string, action: () => Promise<T>): Promise<T> {
    const started = action().finally(() => this.#pending.delete(key));
    this.#pending.set(key, started);
    return started;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    if (signal.aborted) onAbort();
  });
}
