/** The signals that end a build (SIGHUP stays with nohup), and the exit codes a shell expects after them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Turns the first SIGINT or SIGTERM into an abort, so that the build cleans up; the second ends the process at once. */
export class Interrupt {
  readonly #controller = new AbortController();
  readonly #onFirst: (signal: string) => void;
  #exitCode: number | undefined;

  constructor(onFirst: (signal: string) => void) {
    this.#onFirst = onFirst;
    for (const signal of Object.keys(EXIT_CODES)) process.on(signal, this.#handle);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the process is to end with, once it was interrupted. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Gives the signals back. */
  release(): void {
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, this.#handle);
  }

  readonly #handle = (signal: keyof typeof EXIT_CODES): void => {
    if (this.#exitCode !== undefined) process.exit(EXIT_CODES[signal]);
    this.#exitCode = EXIT_CODES[signal];
    this.#onFirst(signal);
    this.#controller.abort(new Error(`interrupted by ${signal}`));
  };
}
