import type { AddInstruction, CopyInstruction, Word } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { Edge, FileOpAction } from "../llb/index.ts";
import { contextEdge } from "./context-edge.ts";
import { copyAttributes, excludeRules } from "./copy-attributes.ts";
import { type ParentsPath, parentsPath } from "./copy-parents.ts";
import { copyDestination, copySourcePath, hasWildcards } from "./copy-paths.ts";
import { copyVertex } from "./copy-vertex.ts";
import { expandHeredoc, expandWord } from "./expand-word.ts";
import { inlineFile } from "./inline-file.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withLayer } from "./stage-state.ts";

type CopyAction = Extract<FileOpAction, { type: "copy" }>;
/** What an action says of its source. */
type CopyRead = Pick<CopyAction, "paths" | "wildcards" | "exclude" | "include" | "unpack"> & { readonly root: Edge };

/** A source that is read: of the context, a stage or an image unless it has a root of its own. */
export interface ReadPath extends ParentsPath {
  /** What ADD fetches: `path` is a name in it, not a pattern. */
  readonly fetched?: Edge;
  /** ADD: of an archive its members. */
  readonly unpack?: boolean;
}

/** COPY: one layer, an action for each source; with `--link` a layer that stands on nothing, then merged. */
export async function dispatchCopy(
  state: StageState,
  instruction: CopyInstruction,
  context: StageContext,
): Promise<StageState> {
  const { from } = instruction;
  const source = from === undefined || from.text === "" ? contextEdge(context.scope) : await context.copySource(from);
  const parse = (word: Word, text: string) =>
    instruction.parents ? parentsPath(context.scope, word, text) : copySourcePath(context.scope, word, text);
  return copyFiles(state, instruction, { source, parse }, context);
}

/** Where COPY and ADD read, and how they understand a source once its variables are expanded. */
export interface CopySources {
  readonly source: Edge;
  readonly parse: (word: Word, text: string) => ReadPath;
}

/** What COPY and ADD share: the paths are read in `source`, the heredocs are files of their own. */
export function copyFiles(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  { source, parse }: CopySources,
  context: StageContext,
): StageState {
  const { scope } = context;
  const { options, flags, isLinked } = copyAttributes(state, instruction, scope);
  const parents = instruction.keyword === "COPY" && instruction.parents;
  const dest = expandWord(scope, instruction.dest, state.environment);
  const paths = instruction.sources.map((word) => parse(word, expandWord(scope, word, state.environment)));
  const exclude = excludeRules(scope, instruction);
  const reads = [...paths.map((path) => pathRead(path, source, exclude)), ...inlineReads(state, instruction, context)];
  const target = copyDestination(state.config.WorkingDir, dest);
  const { inputs, actions } = copyActions(reads, { dest: target, ...options });

  const wordRanges = rangesOf(instruction, paths);
  const { state: numbered, vertex } = copyVertex(
    state,
    instruction,
    { actions, inputs, isLinked, wordRanges },
    context,
  );
  const shown = [...paths.map(({ text }) => text), ...instruction.heredocs.map(({ name }) => `<<${name}`), dest];
  const words = [instruction.keyword, ...(parents ? ["--parents"] : []), ...flags, ...shown];
  return withLayer(numbered, vertex, `${words.join(" ")} # buildkit`);
}

function pathRead(
  { path, include, fetched, unpack }: ReadPath,
  source: Edge,
  exclude: CopyAction["exclude"] & {},
): CopyRead {
  return {
    root: fetched ?? source,
    paths: [path],
    wildcards: fetched === undefined && hasWildcards(path),
    ...(unpack === true ? { unpack } : {}),
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(include === undefined ? {} : { include }),
  };
}

function inlineReads(
  state: StageState,
  { heredocs }: CopyInstruction | AddInstruction,
  { scope }: StageContext,
): readonly CopyRead[] {
  return heredocs.map((heredoc) => {
    const { root, path } = inlineFile(heredoc.name, expandHeredoc(scope, heredoc, state.environment), 0o644);
    return { root, paths: [path], wildcards: false };
  });
}

/** Every root that is read becomes one input behind the root that is written, however many paths are read of it. */
function copyActions(
  reads: readonly CopyRead[],
  common: Pick<CopyAction, "dest" | "owner" | "mode">,
): { readonly inputs: readonly Edge[]; readonly actions: readonly CopyAction[] } {
  const roots = [...new Set(reads.map((read) => read.root))];
  const actions = reads.map(
    ({ root, ...read }): CopyAction => ({ type: "copy", input: roots.indexOf(root) + 1, ...read, ...common }),
  );
  return { inputs: roots, actions };
}

function rangesOf(
  { chown, dest }: CopyInstruction | AddInstruction,
  paths: readonly ParentsPath[],
): ReadonlyMap<string, SourceRange> {
  const sources = paths.flatMap(({ path, include, range }) =>
    [path, ...(include?.required ?? [])].map((key) => [key, range] as const),
  );
  return new Map([
    ...sources,
    ["destination", dest.range],
    ...(chown === undefined ? [] : [["--chown", chown.range] as const]),
  ]);
}
