import type { Digest } from "../../registry-client/index.ts";
import type { OnEvent, VertexEvent } from "../events.ts";
import type { Vertex } from "../llb/index.ts";
import type { SolveNode } from "./solve-node.ts";

/** Tells what happens to the vertices, each from its start to exactly one end. */
export class VertexProgress {
  readonly #onEvent: OnEvent;
  readonly #elapsedMs: () => number;
  readonly #started = new Set<Digest>();
  readonly #ended = new Set<Digest>();
  readonly #needed = new Set<SolveNode>();
  /** How many vertices may still ask for a node. */
  readonly #askers = new Map<SolveNode, number>();

  constructor(onEvent: OnEvent, elapsedMs: () => number) {
    this.#onEvent = onEvent;
    this.#elapsedMs = elapsedMs;
  }

  expect(nodes: readonly SolveNode[]): void {
    for (const node of nodes) {
      for (const input of new Set(node.inputs)) this.#askers.set(input, (this.#askers.get(input) ?? 0) + 1);
    }
  }

  needed(node: SolveNode): void {
    this.#needed.add(node);
  }

  started(vertex: Vertex): void {
    if (this.#started.has(vertex.digest)) return;
    this.#started.add(vertex.digest);
    this.#emit(vertex, "started");
  }

  /** Found without its inputs: those that nothing else asks for count as cached with it, and are told first. */
  cachedWithInputs(node: SolveNode): void {
    const found = this.#abandoned(node).sort((a, b) => a.index - b.index);
    for (const { vertex } of [...found, node]) this.#emit(vertex, "cached");
  }

  cached(vertex: Vertex): void {
    this.#emit(vertex, "cached");
  }

  completed(vertex: Vertex): void {
    this.#emit(vertex, "completed");
  }

  /** Nothing is told of a vertex that was not begun. */
  canceled(vertex: Vertex): void {
    if (this.#started.has(vertex.digest)) this.#emit(vertex, "canceled");
  }

  failed(vertex: Vertex, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.started(vertex);
    this.#emit(vertex, "failed", message.split("\n", 1)[0] ?? "");
  }

  #abandoned(node: SolveNode): SolveNode[] {
    const abandoned: SolveNode[] = [];
    for (const settled of iterateGrowing([node], abandoned)) {
      for (const input of new Set(settled.inputs)) {
        const askers = (this.#askers.get(input) ?? 0) - 1;
        this.#askers.set(input, askers);
        if (askers === 0 && !this.#needed.has(input)) abandoned.push(input);
      }
    }
    return abandoned;
  }

  /** What comes after a vertex's end, such as a result that could not be saved, is told by the build's own failure. */
  #emit({ digest, name }: Vertex, state: VertexEvent["state"], error?: string): void {
    if (this.#ended.has(digest)) return;
    if (state !== "started") this.#ended.add(digest);
    const timeMs = this.#elapsedMs();
    this.#onEvent({ type: "vertex", digest, name, state, timeMs, ...(error === undefined ? {} : { error }) });
  }
}

/** First `first`, then `rest`, to which may be added meanwhile. */
function* iterateGrowing<T>(first: readonly T[], rest: readonly T[]): Generator<T> {
  yield* first;
  yield* rest;
}
