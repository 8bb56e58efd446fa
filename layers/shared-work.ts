interface Run<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** Equal work, asked for several times at once, runs once. It is aborted when the last one who waits for it is. */
export class SharedWork<T> {
  readonly #runs = new Map<string, Run<T>>();

  async run(key: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const run = this.#runs.get(key) ?? this.#start(key, work);
    run.waiters += 1;
    const left = new Promise<never>((_, reject) => {
      run.result.then(undefined, () => {}).finally(() => signal?.removeEventListener("abort", onAbort));
      const onAbort = () => this.#leave(key, run, signal) || reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([run.result, left]);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Run<T> {
    const controller = new AbortController();
    const run: Run<T> = { result: work(controller.signal), controller, waiters: 0 };
    this.#runs.set(key, run);
    const forget = () => this.#forget(key, run);
    run.result.then(forget, forget);
    return run;
  }

  /** False when others still wait. The last one to leave stays until the work has ended. */
  #leave(key: string, run: Run<T>, signal: AbortSignal | undefined): boolean {
    run.waiters -= 1;
    if (run.waiters > 0) return false;
    this.#forget(key, run);
    run.controller.abort(signal?.reason);
    return true;
  }

  #forget(key: string, run: Run<T>): void {
    if (this.#runs.get(key) === run) this.#runs.delete(key);
  }
}
