import type { RunInstruction, Stage, Word } from "../dockerfile/instructions.ts";
import { type BuildScope, failure } from "./scope.ts";

/** What `COPY --from` names: a stage by name or index; any other name is an image or a named context. */
export type CopySource =
  | { readonly type: "stage"; readonly index: number; readonly word: Word }
  | { readonly type: "image"; readonly name: string; readonly word: Word };

/** Every `--from` of a stage, those of mounts too. Names are compared in lower case; a later stage of the same name shadows an earlier one. */
export function copySources(
  scope: BuildScope,
  stage: Stage,
  names: ReadonlyMap<string, number>,
): readonly CopySource[] {
  return stage.instructions.flatMap((instruction) => {
    if (instruction.keyword === "RUN") return mountSources(instruction, names);
    return instruction.keyword === "COPY" && instruction.from !== undefined && instruction.from.text !== ""
      ? [copySource(scope, instruction.from, names)]
      : [];
  });
}

/** What `from` of a mount names: a stage by its name and not by its index, else an image or a named context. */
export function mountSource(word: Word, names: ReadonlyMap<string, number>): CopySource {
  const index = names.get(word.text.toLowerCase());
  return index === undefined ? { type: "image", name: word.text, word } : { type: "stage", index, word };
}

/** Before its variables are known, as in BuildKit: a `from` has none. */
function mountSources({ mounts }: RunInstruction, names: ReadonlyMap<string, number>): readonly CopySource[] {
  return mounts.flatMap(({ fields }) => {
    const from = fields.findLast(({ key, value }) => key === "from" && value !== undefined)?.value;
    return from === undefined || from.text === "" ? [] : [mountSource(from, names)];
  });
}

/** What one `--from` names. Throws INVALID_STAGE_INDEX, and for a variable UNSUPPORTED_EXPANSION. */
export function copySource(scope: BuildScope, word: Word, names: ReadonlyMap<string, number>): CopySource {
  if (word.text.includes("$")) throw noVariables(scope, word);
  if (/^[+-]?\d+$/.test(word.text)) return { type: "stage", index: stageIndex(scope, word), word };
  const index = names.get(word.text.toLowerCase());
  return index === undefined ? { type: "image", name: word.text, word } : { type: "stage", index, word };
}

/** The names of all stages, each with the index of the last stage that has it. */
export function stageIndexes(scope: Pick<BuildScope, "dockerfile">): ReadonlyMap<string, number> {
  return new Map(scope.dockerfile.stages.flatMap(({ name, index }) => (name === undefined ? [] : [[name, index]])));
}

function stageIndex(scope: BuildScope, word: Word): number {
  const index = Number(word.text);
  const count = scope.dockerfile.stages.length;
  if (index >= 0 && index < count) return index;
  const hint = count === 1 ? "there is one stage, and it is 0" : `there are ${count} stages, and the first is 0`;
  throw failure(scope, word.range, "INVALID_STAGE_INDEX", `invalid stage index ${index}`, hint);
}

function noVariables(scope: BuildScope, word: Word): Error {
  return failure(
    scope,
    word.range,
    "UNSUPPORTED_EXPANSION",
    "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
    `add a line "FROM ${word.text} AS name" and write --from=name`,
  );
}
