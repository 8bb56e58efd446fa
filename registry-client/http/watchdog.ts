/** Aborts a request when nothing has happened for a while, or when the caller's signal says so. */
export class Watchdog {
  readonly signal: AbortSignal;
  hasTimedOut = false;
  readonly #controller = new AbortController();
  readonly #idleTimeoutMs: number;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = (): void => this.abort();
  #timer: NodeJS.Timeout | undefined;
  #limitMs = 0;
  #isStopped = false;

  constructor(idleTimeoutMs: number, caller: AbortSignal | undefined) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#caller = caller;
    this.signal = this.#controller.signal;
    caller?.addEventListener("abort", this.#onCallerAbort, { once: true });
    this.touch();
  }

  /** Something happened: the next thing may take `limitMs`. Nothing once it is stopped: the last bytes of an upload may be seen after its answer. */
  touch(limitMs: number = this.#idleTimeoutMs): void {
    if (this.#isStopped) return;
    if (this.#limitMs === limitMs && this.#timer) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#limitMs = limitMs;
    this.#timer = setTimeout(() => this.#expire(), limitMs);
  }

  abort(): void {
    this.stop();
    this.#controller.abort();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#caller?.removeEventListener("abort", this.#onCallerAbort);
  }

  /** What the timeout is reported as. */
  timeout(): Error {
    const error: NodeJS.ErrnoException = new Error(`nothing was heard for ${this.#limitMs / 1000} s`);
    error.code = "ETIMEDOUT";
    return error;
  }

  #expire(): void {
    this.hasTimedOut = true;
    this.abort();
  }
}
