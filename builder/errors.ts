import type { SourceFile, SourceRange } from "./dockerfile/source.ts";

/** What an error says beside its code and message. */
export interface BuildErrorOptions {
  /** What to do about it, a sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** The place in the Dockerfile, with its text, so that the report can show a frame. */
  readonly range?: SourceRange | undefined;
  readonly source?: SourceFile | undefined;
  /** The exit code of a failed RUN; it becomes the CLI's. */
  readonly exitCode?: number | undefined;
}

/** Every failure of a build that is not a programmer's mistake. `code` is stable. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly code: string;
  readonly hint: string | undefined;
  readonly range: SourceRange | undefined;
  readonly source: SourceFile | undefined;
  readonly exitCode: number | undefined;

  constructor(code: string, message: string, options: BuildErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.range = options.range;
    this.source = options.source;
    this.exitCode = options.exitCode;
  }
}
