/** What the addon says of a failure: data, so that it crosses the seam whole. */
export interface NativeFailure {
  /** `NOT_FOUND`, `NO_SPACE`, `DIGEST_MISMATCH`, … */
  readonly code: string;
  /** The step that failed, in a word or two. */
  readonly step: string;
  /** The path, name or value at fault. */
  readonly subject?: string;
  readonly errno?: number;
  readonly message: string;
}

/** A failure of the native core, with its stable `code`. */
export class RuntimeError extends Error {
  readonly code: string;
  readonly step: string;
  readonly subject: string | undefined;
  readonly errno: number | undefined;
  /** What went wrong, without the step and the subject that the message begins with. */
  readonly reason: string;
  readonly hint: string | undefined;

  constructor(failure: NativeFailure, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    const subject = failure.subject === undefined ? "" : `${failure.subject}: `;
    super(`${failure.step}: ${subject}${failure.message}`, { cause: options.cause });
    this.code = failure.code;
    this.step = failure.step;
    this.subject = failure.subject;
    this.errno = failure.errno;
    this.reason = failure.message;
    this.hint = options.hint;
  }
  override get name(): string {
    return this.constructor.name;
  }
}

/** A sandbox that could not be set up or watched. A command that merely fails is a result, not an error. */
export class SandboxError extends RuntimeError {}
