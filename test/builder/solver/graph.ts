import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildEvent } from "../../../builder/events.ts";
import type { Edge, Vertex } from "../../../builder/llb/index.ts";
import { FileCacheStore, type OpResult, type OpRunner, solve } from "../../../builder/solver/index.ts";
import { EMPTY_SNAPSHOT, type Snapshot, type Store } from "../../../layers/index.ts";
import type { Digest } from "../../../registry-client/index.ts";
import { readFiles } from "./read-files.ts";

/** A vertex of the tests: it writes a file named `name` that holds `text` and what its inputs hold. */
export interface TestVertex extends Vertex {
  readonly text: string;
  /** Reads this file in place, as a build context is read; what it holds is its result. */
  readonly local?: string;
  /** Indexes of inputs that count by content. */
  readonly byContent: readonly number[];
  /** What it writes, whatever it is made from. */
  readonly output?: string;
  /** What its execution does instead of nothing. */
  readonly work?: (signal: AbortSignal) => Promise<void>;
}

export interface VertexOptions {
  readonly text?: string;
  readonly local?: string;
  readonly byContent?: readonly number[];
  readonly output?: string;
  readonly ignoreCache?: boolean;
  readonly work?: (signal: AbortSignal) => Promise<void>;
}

export function vertex(name: string, inputs: readonly TestVertex[] = [], options: VertexOptions = {}): TestVertex {
  const { text = name, byContent = [] } = options;
  return {
    ...options,
    digest: sha256([name, text, options.local ?? null, ...inputs.map((input) => input.digest)]),
    op: { type: "scratch" },
    inputs: inputs.map((input) => ({ vertex: input, output: 0 })),
    name,
    text,
    byContent,
  };
}

export const edge = (target: Vertex): Edge => ({ vertex: target, output: 0 });

/** What a solve did, beside its result. */
export interface Trace {
  /** The names of what was executed, in order, and their digests. */
  readonly executed: string[];
  readonly digests: Digest[];
  readonly events: string[];
}

export interface Solved extends Trace {
  readonly result: OpResult;
}

export const createTrace = (): Trace => ({ executed: [], digests: [], events: [] });

/** Solves with real snapshots; `trace` is filled also when it fails. */
export async function solveTest(
  store: Store,
  target: TestVertex,
  options: { readonly jobs?: number; readonly signal?: AbortSignal; readonly trace?: Trace } = {},
): Promise<Solved> {
  const { trace = createTrace(), ...rest } = options;
  const result = await solve(edge(target), {
    ...rest,
    cache: new FileCacheStore(store),
    resolveOp: (node) => runner(store, node as TestVertex, trace),
    onEvent: (event) => record(event, trace),
  });
  return { result, ...trace };
}

/** The files of a result's topmost layer. */
export async function contentOf(store: Store, result: OpResult): Promise<Readonly<Record<string, string>>> {
  if (result.type === "local") return await readFiles(result.source.rootfs.lowers[0] as string);
  return await topFiles(store, result.snapshot);
}

function record(event: BuildEvent, { events }: Trace): void {
  if (event.type === "vertex") events.push(`${event.name} ${event.state}`);
}

function runner(store: Store, node: TestVertex, trace: Trace): OpRunner {
  if (node.local !== undefined) return localRunner(node, node.local);
  return {
    cacheMap: async () => ({
      digest: sha256([node.name, node.text]),
      inputs: node.inputs.map((_, index) =>
        node.byContent.includes(index) ? { contentDigest: async (input) => sha256(await contentOf(store, input)) } : {},
      ),
    }),
    exec: async (inputs, { signal }) => {
      trace.executed.push(node.name);
      trace.digests.push(node.digest);
      await node.work?.(signal as AbortSignal);
      return { type: "snapshot", snapshot: await write(store, node, inputs) };
    },
  };
}

function localRunner(node: TestVertex, path: string): OpRunner {
  return {
    cacheMap: async () => ({ digest: sha256([node.name]), isVolatile: true, inputs: [] }),
    exec: async () => ({ type: "local", source: { rootfs: { lowers: [path] } } }),
  };
}

async function write(store: Store, node: TestVertex, inputs: readonly OpResult[]): Promise<Snapshot> {
  const held = await Promise.all(inputs.map((input) => contentOf(store, input)));
  const parent = inputs[0]?.type === "snapshot" ? inputs[0].snapshot : EMPTY_SNAPSHOT;
  const active = await store.snapshotter.prepare(parent);
  await writeFile(join(active.rootfs.upper, node.name), node.output ?? JSON.stringify([node.text, held]));
  return await store.snapshotter.commit(active);
}

async function topFiles(store: Store, snapshot: Snapshot): Promise<Readonly<Record<string, string>>> {
  const top = store.snapshotter.view(snapshot).lowers.at(-1);
  return top === undefined ? {} : await readFiles(top);
}

function sha256(value: unknown): Digest {
  return `sha256:${createHash("sha256").update(JSON.stringify(value)).digest("hex")}`;
}
