/** Lets a number of things happen at once; the others wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async run<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    const release = await this.acquire(signal);
    try {
      return await action();
    } finally {
      release();
    }
  }

  /** Resolves to the function that gives the place back, to be called once. Rejects with the signal's reason. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    return () => this.#release();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason);
      };
      const enter = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      this.#waiting.push(enter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

/** How many calls one host gets at once. */
export interface Concurrency {
  /** Blobs being received. Default 6. */
  readonly downloads: number;
  /** Blobs being sent. Default 4. */
  readonly uploads: number;
  /** Manifests, tokens and questions. They have places of their own, so that they never starve behind layers. Default 8. */
  readonly documents: number;
}

/** The lanes of one host. Downloads and uploads are apart, so that a copy from a host to itself cannot block itself. */
export class HostLanes {
  readonly downloads: Semaphore;
  readonly uploads: Semaphore;
  readonly documents: Semaphore;

  constructor(limits: Partial<Concurrency> = {}) {
    this.downloads = new Semaphore(limits.downloads ?? 6);
    this.uploads = new Semaphore(limits.uploads ?? 4);
    this.documents = new Semaphore(limits.documents ?? 8);
  }
}
