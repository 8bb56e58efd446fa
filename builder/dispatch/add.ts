import type { AddInstruction, Word } from "../dockerfile/instructions.ts";
import type { BuildError } from "../errors.ts";
import { addedGit, addedHttp } from "./add-remote.ts";
import { contextEdge } from "./context-edge.ts";
import { copyFiles, type ReadPath } from "./copy.ts";
import { cleanSource } from "./copy-paths.ts";
import { expandWord } from "./expand-word.ts";
import { type BuildScope, failure } from "./scope.ts";
import { sourceKind } from "./source-kind.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";

/** ADD: COPY that fetches URLs and git repositories, and unpacks local archives. Throws BuildError. */
export function dispatchAdd(state: StageState, instruction: AddInstruction, context: StageContext): StageState {
  const { scope } = context;
  const checksum = expandChecksum(state, instruction, scope);
  const parse = (word: Word, text: string): ReadPath => {
    const source = sourceKind(scope, word, text);
    switch (source.type) {
      case "git":
        return addedGit(scope, { word, text, instruction, checksum }, source.reference);
      case "http":
        return addedHttp(scope, { word, text, instruction, checksum });
      case "path":
        checkScheme(scope, word, text);
        if (checksum !== undefined) throw notRemote(scope, checksum);
        return { text, path: cleanSource(text), range: word.range, unpack: instruction.unpack ?? true };
    }
  };
  return copyFiles(state, instruction, { source: contextEdge(scope), parse }, context);
}

/** `--checksum` with its variables; an empty one is none. Throws INVALID_CHECKSUM. */
function expandChecksum(state: StageState, { checksum, sources }: AddInstruction, scope: BuildScope): Word | undefined {
  if (checksum === undefined) return undefined;
  const text = expandWord(scope, checksum, state.environment);
  if (text === "") return undefined;
  if (sources.length === 1) return { ...checksum, text };
  const hint = "give each source an ADD and a checksum of its own";
  throw failure(scope, checksum.range, "INVALID_CHECKSUM", "checksum can't be specified for multiple sources", hint);
}

function notRemote(scope: BuildScope, checksum: Word): BuildError {
  const hint = "files of the context count by their content as it is";
  return failure(scope, checksum.range, "INVALID_CHECKSUM", "checksum requires HTTP(S) or Git sources", hint);
}

/** Throws INVALID_ADD_SOURCE for an address of another kind. */
function checkScheme(scope: BuildScope, word: Word, text: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme === undefined) return;
  const hint = "ADD takes files of the context, http:// and https:// addresses, and git repositories";
  throw failure(scope, word.range, "INVALID_ADD_SOURCE", `source can't be a ${scheme}:// address for ADD`, hint);
}
