import type { AddInstruction, CopyInstruction } from "../dockerfile/instructions.ts";
import {
  createVertex,
  type Edge,
  edge,
  emptyRoot,
  type FileOpAction,
  type Vertex,
  type VertexMetadata,
} from "../llb/index.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";
import { nameStep } from "./vertex-name.ts";

/** What COPY and ADD do, before it is known where. */
export interface CopyWork extends Pick<VertexMetadata, "wordRanges"> {
  readonly actions: readonly FileOpAction[];
  /** The roots that are read: input 1 and up of the actions. */
  readonly inputs: readonly Edge[];
  readonly isLinked: boolean;
}

/**
 * The stage's next root: a file vertex on the one it has; for `--link` a file vertex on nothing, whose layer and cache key
 * do not depend on the stage, and a merge of both.
 */
export function copyVertex(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  work: CopyWork,
  context: StageContext,
): { readonly state: StageState; readonly vertex: Vertex } {
  const { state: numbered, name } = nameStep(state, instruction, context);
  const metadata = metadataOf(instruction, work, context);
  const isLinked = work.isLinked && state.root.vertex.op.type !== "scratch";
  const root = isLinked ? emptyRoot() : state.root;
  const files = createVertex({ type: "file", actions: work.actions }, [root, ...work.inputs], { ...metadata, name });
  if (!isLinked) return { state: numbered, vertex: files };
  const linkName = name.replace(/^(\[[^\]]*\] )?/, "$1LINK ");
  const vertex = createVertex({ type: "merge" }, [state.root, edge(files)], { ...metadata, name: linkName });
  return { state: numbered, vertex };
}

function metadataOf(
  { range }: CopyInstruction | AddInstruction,
  { wordRanges }: CopyWork,
  { scope }: StageContext,
): Omit<VertexMetadata, "name"> {
  return {
    range,
    ...(wordRanges === undefined ? {} : { wordRanges }),
    ...(scope.options.noCache ? { ignoreCache: true } : {}),
  };
}
