import type { AddInstruction, CopyInstruction } from "../dockerfile/instructions.ts";
import { createVertex, type Edge, type FileOpAction } from "../llb/index.ts";
import { contextEdge } from "./context-edge.ts";
import { copyAttributes } from "./copy-attributes.ts";
import { type CopyPath, copyDestination, copySourcePath, hasWildcards } from "./copy-paths.ts";
import { expandHeredoc, expandWord } from "./expand-word.ts";
import { type InlineFile, inlineFile } from "./inline-file.ts";
import { unsupportedFlag } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withLayer } from "./stage-state.ts";
import { nameStep } from "./vertex-name.ts";

/** COPY: one file vertex and one layer, an action for each source. `--link` asks for no more than the same files. */
export async function dispatchCopy(
  state: StageState,
  instruction: CopyInstruction,
  context: StageContext,
): Promise<StageState> {
  const { scope } = context;
  if (instruction.parents) {
    const hint = "give each directory a COPY and a destination of its own";
    throw unsupportedFlag(scope, instruction.keywordWord, "COPY --parents", hint);
  }
  const { from } = instruction;
  const source = from === undefined || from.text === "" ? contextEdge(scope) : await context.copySource(from);
  return copyFiles(state, instruction, source, context);
}

/** What COPY and ADD share: the paths are read in `source`, the heredocs are files of their own. */
export function copyFiles(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  source: Edge,
  context: StageContext,
): StageState {
  const { scope } = context;
  const attributes = copyAttributes(state, instruction, scope);
  const dest = expandWord(scope, instruction.dest, state.environment);
  const paths = copyPaths(state, instruction, context);
  const files = inlineFiles(state, instruction, context);
  const target = copyDestination(state.config.WorkingDir, dest, paths.length + files.length > 1);
  const reads = [...paths.map(({ path }) => ({ root: source, path, isPattern: hasWildcards(path) })), ...files];
  const { inputs, actions } = copyActions(state.root, reads, { dest: target, ...attributes.options });

  const { state: numbered, name } = nameStep(state, instruction, context);
  const vertex = createVertex({ type: "file", actions }, inputs, {
    name,
    range: instruction.range,
    wordRanges: new Map(paths.map(({ path, range }) => [path, range])),
    ...(scope.options.noCache ? { ignoreCache: true } : {}),
  });
  const shown = [...paths.map(({ text }) => text), ...instruction.heredocs.map(({ name }) => `<<${name}`), dest];
  return withLayer(numbered, vertex, `${[instruction.keyword, ...attributes.flags, ...shown].join(" ")} # buildkit`);
}

function copyPaths(
  state: StageState,
  { sources }: CopyInstruction | AddInstruction,
  { scope }: StageContext,
): readonly CopyPath[] {
  return sources.map((word) => copySourcePath(scope, word, expandWord(scope, word, state.environment)));
}

function inlineFiles(
  state: StageState,
  { heredocs }: CopyInstruction | AddInstruction,
  { scope }: StageContext,
): readonly CopyRead[] {
  return heredocs.map((heredoc) => {
    const data = expandHeredoc(scope, heredoc, state.environment);
    return { ...inlineFile(heredoc.name, data, 0o644), isPattern: false };
  });
}

interface CopyRead extends InlineFile {
  readonly isPattern: boolean;
}

type CopyAction = Extract<FileOpAction, { type: "copy" }>;

/** Every root that is read becomes one input, however many paths are read of it. */
function copyActions(
  root: Edge,
  reads: readonly CopyRead[],
  common: Pick<CopyAction, "dest" | "owner" | "mode" | "exclude">,
): { readonly inputs: readonly Edge[]; readonly actions: readonly CopyAction[] } {
  const roots = [...new Set(reads.map((read) => read.root))];
  const actions = reads.map(
    ({ root: read, path, isPattern }): CopyAction => ({
      type: "copy",
      input: roots.indexOf(read) + 1,
      paths: [path],
      wildcards: isPattern,
      ...common,
    }),
  );
  return { inputs: [root, ...roots], actions };
}
