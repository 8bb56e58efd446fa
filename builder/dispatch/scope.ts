import type { Dockerfile, Word } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { BuildError } from "../errors.ts";
import type { Linter } from "../lint/index.ts";
import type { StageObserver } from "./observer.ts";
import type { DispatchOptions } from "./options.ts";

/** What every stage of one Dockerfile shares. */
export interface BuildScope {
  readonly dockerfile: Dockerfile;
  readonly options: DispatchOptions;
  /** Platform arguments and ARG before the first FROM, with `--build-arg` applied. */
  readonly globalArgs: ReadonlyMap<string, string>;
  readonly proxyEnv: readonly string[];
  readonly linter: Linter;
  readonly observers: readonly StageObserver[];
  /** Every ARG that was dispatched, also those of a base image's triggers. */
  readonly declaredArgs: Set<string>;
}

/** An error at a place of the Dockerfile. */
export function failure(
  scope: Pick<BuildScope, "dockerfile">,
  range: SourceRange,
  code: string,
  message: string,
  hint?: string,
): BuildError {
  return new BuildError(code, message, { range, source: scope.dockerfile.source, hint });
}

/** `error` with a place, if it is a BuildError that has none yet. */
export function located(error: unknown, scope: Pick<BuildScope, "dockerfile">, range: SourceRange): unknown {
  if (!(error instanceof BuildError) || error.range !== undefined) return error;
  return new BuildError(error.code, error.message, {
    range,
    source: scope.dockerfile.source,
    hint: error.hint,
    cause: error.cause,
    exitCode: error.exitCode,
  });
}

/** A feature that is refused by name rather than left out. */
export function unsupportedFlag(scope: BuildScope, word: Word, flag: string, hint: string): BuildError {
  return failure(scope, word.range, "UNSUPPORTED_FLAG", `${flag} is not supported yet`, hint);
}
