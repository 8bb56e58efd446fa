import { compileIgnorePatterns } from "../dockerfile/index.ts";
import type { AddInstruction, CopyInstruction, Word } from "../dockerfile/instructions.ts";
import type { FileOpAction } from "../llb/index.ts";
import { expandWord } from "./expand-word.ts";
import { type BuildScope, failure } from "./scope.ts";
import type { StageState } from "./stage-state.ts";

/** `--chown`, `--chmod` and `--exclude` as the copy actions have them, and as the history shows them. */
export interface CopyAttributes {
  readonly options: Pick<Extract<FileOpAction, { type: "copy" }>, "owner" | "mode" | "exclude">;
  readonly flags: readonly string[];
}

/** Variables are expanded in `--chown` and `--chmod`, not in `--exclude`. Throws INVALID_CHMOD. */
export function copyAttributes(
  state: StageState,
  { chown, chmod, exclude }: CopyInstruction | AddInstruction,
  scope: BuildScope,
): CopyAttributes {
  const owner = chown === undefined ? "" : expandWord(scope, chown, state.environment);
  const mode = chmod === undefined ? "" : expandWord(scope, chmod, state.environment);
  return {
    options: {
      ...(owner === "" ? {} : { owner }),
      ...(chmod === undefined || mode === "" ? {} : { mode: parseMode(scope, chmod, mode) }),
      ...(exclude.length === 0 ? {} : { exclude: compileIgnorePatterns(exclude.map(({ text }) => text)) }),
    },
    flags: [...(owner === "" ? [] : [`--chown=${owner}`]), ...(mode === "" ? [] : [`--chmod=${mode}`])],
  };
}

function parseMode(scope: BuildScope, word: Word, text: string): number {
  const mode = /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  if (mode <= 0o7777) return mode;
  if (/^[ugoa]*[-+=]/.test(text)) {
    const hint = "write it in octal: 755 for u=rwx,go=rx";
    throw failure(scope, word.range, "UNSUPPORTED_FLAG", `symbolic --chmod=${text} is not supported yet`, hint);
  }
  const message = `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`;
  throw failure(scope, word.range, "INVALID_CHMOD", message);
}
