import type { Snapshot } from "../layers/index.ts";
import type { CallOptions, Digest } from "../registry-client/index.ts";
import type { BuildEvent } from "./events.ts";
import type { Edge, Vertex } from "./llb/index.ts";
import { type OpContext, resolveOp } from "./ops/index.ts";
import { type CacheStore, type OpRunner, solve } from "./solver/index.ts";

/**
 * The vertices of a context that the Dockerfile is read from: they are solved before there is a graph, and are part of it
 * later. What they were found to be then stays so, though a branch or a file on a server may have changed meanwhile, and
 * progress hears of them once.
 */
export class SolvedAhead {
  readonly #runners = new Map<Digest, OpRunner>();
  readonly #ended = new Set<Digest>();

  /** The result of `target`, a filesystem state. Throws what its ops throw. */
  async solve(target: Edge, ops: OpContext, cache: CacheStore, options: CallOptions): Promise<Snapshot> {
    const { onEvent, elapsedMs } = ops;
    const settings = { ...options, cache, onEvent, elapsedMs };
    const result = await solve(target, { ...settings, resolveOp: (vertex) => this.#keep(vertex, ops) });
    for (const digest of this.#runners.keys()) this.#ended.add(digest);
    if (result.type !== "snapshot") throw new Error("a context that was fetched must be a filesystem state");
    return result.snapshot;
  }

  /** The runner that a vertex had; undefined for one that was not solved ahead. */
  runner({ digest }: Vertex): OpRunner | undefined {
    return this.#runners.get(digest);
  }

  /** Whether an event tells of a vertex that has ended already. */
  isRepeated(event: BuildEvent): boolean {
    return "digest" in event && this.#ended.has(event.digest);
  }

  #keep(vertex: Vertex, ops: OpContext): OpRunner {
    const known = this.#runners.get(vertex.digest);
    if (known !== undefined) return known;
    const runner = resolveOp(vertex, ops);
    let map: ReturnType<OpRunner["cacheMap"]> | undefined;
    let result: ReturnType<OpRunner["exec"]> | undefined;
    const kept: OpRunner = {
      cacheMap: (options) => (map ??= runner.cacheMap(options)),
      exec: (inputs, options) => (result ??= runner.exec(inputs, options)),
    };
    this.#runners.set(vertex.digest, kept);
    return kept;
  }
}
