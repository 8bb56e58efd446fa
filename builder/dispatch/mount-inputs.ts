import type { MountOptions } from "../dockerfile/index.ts";
import type { MountFlag } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { createVertex, type Edge, edge, emptyRoot } from "../llb/index.ts";
import { contextEdge } from "./context-edge.ts";
import { cleanSource } from "./copy-paths.ts";
import { failure } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";
import { internalName } from "./vertex-name.ts";
import { joinWorkdir } from "./workdir.ts";

/** One `--mount`, read, and where it stands. */
export interface MountRequest {
  readonly flag: MountFlag;
  readonly options: MountOptions;
  readonly state: StageState;
  readonly context: StageContext;
  readonly inputs: MountInputs;
  /** How many ssh mounts the RUN has before this one. */
  readonly sshCount: number;
}

/** What a mount reads: a path of an input. */
export interface MountedInput {
  readonly input: number;
  readonly source: string;
}

/** Where a copy of a local file or directory lies in a root of its own. */
const COPIED = "/source";

/** The inputs that the mounts of one RUN read: each root once, however many paths are read of it. */
export class MountInputs {
  readonly #edges: Edge[] = [];
  readonly ranges: Map<string, SourceRange> = new Map();

  get edges(): readonly Edge[] {
    return this.#edges;
  }

  /** What `from` and `source` name; without a `from`, files of the build context. */
  async add(request: MountRequest): Promise<MountedInput> {
    const { options, context } = request;
    const root = options.from === undefined ? contextEdge(context.scope) : await this.resolve(request);
    return this.#read(root ?? contextEdge(context.scope), request);
  }

  /** The same, where nothing is the default rather than the context. */
  addFrom(root: Edge | undefined, request: MountRequest): MountedInput {
    return this.#read(root ?? emptyRoot(), request);
  }

  /** What `from` names; undefined without one. */
  async resolve({ options, context }: MountRequest): Promise<Edge | undefined> {
    return options.from === undefined ? undefined : await context.mountSource(options.from, options.target ?? "");
  }

  /**
   * Files in place are copied first, without what .dockerignore leaves out: a step must not see others, nor see them change,
   * and needs them with the ids of a step.
   */
  #read(root: Edge, { flag, options }: MountRequest): MountedInput {
    const source = cleanSource(options.source ?? "");
    const range = (options.fields.get("source") ?? options.fields.get("from") ?? flag).range;
    this.ranges.set(source, range);
    if (root.vertex.op.type !== "local") return { input: this.#indexOf(root), source };
    return { input: this.#indexOf(copiedSource(root, source, range)), source: COPIED };
  }

  #indexOf(root: Edge): number {
    const known = this.#edges.findIndex((other) => other.vertex.digest === root.vertex.digest);
    return known >= 0 ? known + 1 : this.#edges.push(root);
  }
}

/** Absolute inside the root; relative to WORKDIR, which is also the default. Throws INVALID_MOUNT for the root itself. */
export function mountTarget({ flag, options, state, context }: MountRequest): string {
  const target = joinWorkdir(state.config.WorkingDir, options.target ?? "");
  if (target !== "/") return target;
  const { range } = options.fields.get("target") ?? flag;
  const hint = "name a directory below it with target";
  throw failure(context.scope, range, "INVALID_MOUNT", `invalid mount target "${target}"`, hint);
}

function copiedSource(local: Edge, source: string, range: SourceRange): Edge {
  const copy = { type: "copy", input: 1, paths: [source], wildcards: false, dest: COPIED } as const;
  const vertex = createVertex({ type: "file", actions: [copy] }, [emptyRoot(), local], {
    name: internalName(`load ${source === "/" ? "." : source.slice(1)} for a mount`),
    range,
    wordRanges: new Map([
      [source, range],
      ["--mount", range],
    ]),
  });
  return edge(vertex);
}
