import type { FileMode, IgnoreRule } from "../../runtime-core/index.ts";
import { compileIgnorePatterns } from "../dockerfile/index.ts";
import type { AddInstruction, CopyInstruction, Word } from "../dockerfile/instructions.ts";
import { BuildError } from "../errors.ts";
import type { FileOpAction } from "../llb/index.ts";
import { expandWord } from "./expand-word.ts";
import { type BuildScope, failure } from "./scope.ts";
import type { StageState } from "./stage-state.ts";
import { parseSymbolicMode } from "./symbolic-mode.ts";

/** `--chown` and `--chmod` as the copy actions have them, and as the history shows them. */
export interface CopyAttributes {
  /**
   * `--link` is in effect. Not together with `--chmod`, as in BuildKit: directories on the way get that mode too, and a
   * linked layer would give it to those that the stage has.
   */
  readonly isLinked: boolean;
  readonly options: Pick<Extract<FileOpAction, { type: "copy" }>, "owner" | "mode">;
  readonly flags: readonly string[];
}

/** Variables are expanded in `--chown` and `--chmod`. Throws INVALID_CHMOD, and INVALID_CHOWN for a name under `--link`. */
export function copyAttributes(
  state: StageState,
  { chown, chmod, link }: CopyInstruction | AddInstruction,
  scope: BuildScope,
): CopyAttributes {
  const owner = chown === undefined ? "" : expandWord(scope, chown, state.environment);
  const mode = chmod === undefined ? "" : expandWord(scope, chmod, state.environment);
  const isLinked = link && mode === "";
  if (isLinked && chown !== undefined) requireNumbers(scope, chown, owner);
  return {
    isLinked,
    options: {
      ...(owner === "" ? {} : { owner }),
      ...(chmod === undefined || mode === "" ? {} : { mode: parseMode(scope, chmod, mode) }),
    },
    flags: [...(owner === "" ? [] : [`--chown=${owner}`]), ...(mode === "" ? [] : [`--chmod=${mode}`])],
  };
}

/** `--exclude`, without variables, each in the language of a .dockerignore line. Throws INVALID_EXCLUDE at the pattern. */
export function excludeRules(scope: BuildScope, { exclude }: CopyInstruction | AddInstruction): readonly IgnoreRule[] {
  return exclude.flatMap((word) => compileAt(scope, word, word.text, "INVALID_EXCLUDE"));
}

/** The rules of one pattern that `word` holds. Throws `code` at the word when it is malformed. */
export function compileAt(scope: BuildScope, word: Word, pattern: string, code: string): readonly IgnoreRule[] {
  try {
    return compileIgnorePatterns([pattern]);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw failure(scope, word.range, code, error.message, error.hint);
  }
}

function parseMode(scope: BuildScope, word: Word, text: string): FileMode {
  const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : parseSymbolicMode(text);
  if (mode !== undefined && (typeof mode !== "number" || mode <= 0o7777)) return mode;
  const message = `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`;
  const hint = "755 and u=rwX,go=rX are valid modes";
  throw failure(scope, word.range, "INVALID_CHMOD", message, hint);
}

/** A layer that stands on no stage has no passwd file: only `root` is known without one. */
function requireNumbers(scope: BuildScope, word: Word, owner: string): void {
  const name = owner.split(":", 2).find((part) => !/^(?:\d*|root)$/.test(part));
  if (name === undefined) return;
  const hint = `with --link there is no /etc/passwd to look ${name} up in: write the number, or leave --link out`;
  throw failure(scope, word.range, "INVALID_CHOWN", "invalid user index: -1", hint);
}
