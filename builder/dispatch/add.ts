import type { AddInstruction } from "../dockerfile/instructions.ts";
import { contextEdge } from "./context-edge.ts";
import { copyFiles } from "./copy.ts";
import { failure } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";

/**
 * ADD of heredocs, which is COPY of heredocs. Everything else it can be is refused: a local file may be an archive to
 * unpack, and URLs and git repositories need their own ops.
 */
export function dispatchAdd(state: StageState, instruction: AddInstruction, context: StageContext): StageState {
  const { scope } = context;
  const { checksum, sources } = instruction;
  const isRemote = sources.some(({ text }) => /^(?:https?|git|ssh):\/\/|^git@/.test(text));
  if (checksum !== undefined && !isRemote) {
    throw failure(scope, checksum.range, "INVALID_CHECKSUM", "checksum requires HTTP(S) or Git sources");
  }
  if (sources.length === 0) return copyFiles(state, instruction, contextEdge(scope), context);
  const { range } = sources[0] ?? instruction;
  const hint = isRemote
    ? "fetch it in a RUN step with --network=host"
    : "use COPY, and tar in a RUN step for an archive";
  throw failure(
    scope,
    range,
    "UNSUPPORTED_INSTRUCTION",
    "ADD of files, archives, URLs and git repositories is not supported yet",
    hint,
  );
}
