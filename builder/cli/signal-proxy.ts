import { constants } from "node:os";
import type { RunningStep } from "../index.ts";

/** What a terminal, a shell or a supervisor sends. */
const FORWARDED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;
type Forwarded = (typeof FORWARDED)[number];

/**
 * Takes this process's signals while a container runs. They go to its command; the second SIGINT or SIGTERM kills it. Before
 * there is a command, and always when signals are not forwarded, they abort `signal` instead.
 */
export class SignalProxy {
  readonly #controller = new AbortController();
  readonly #isForwarding: boolean;
  readonly #seen = new Set<Forwarded>();
  #step: RunningStep | undefined;
  #exitCode: number | undefined;

  constructor(isForwarding: boolean) {
    this.#isForwarding = isForwarding;
    for (const name of FORWARDED) process.on(name, this.#handle);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the process is to end with, once a signal has ended the run itself. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** From now on there is somebody to forward to. */
  started(step: RunningStep): void {
    if (this.#isForwarding) this.#step = step;
  }

  /** Gives the signals back. */
  release(): void {
    for (const name of FORWARDED) process.off(name, this.#handle);
  }

  readonly #handle = (name: Forwarded): void => {
    const isSecond = this.#seen.has(name) && (name === "SIGINT" || name === "SIGTERM");
    this.#seen.add(name);
    const { SIGKILL, [name]: number } = constants.signals;
    if (this.#step === undefined) this.#abort(name, 128 + number);
    else this.#step.signal(isSecond ? SIGKILL : number);
  };

  #abort(name: Forwarded, code: number): void {
    if (this.#exitCode !== undefined) process.exit(code);
    this.#exitCode = code;
    this.#controller.abort(new Error(`interrupted by ${name}`));
  }
}
