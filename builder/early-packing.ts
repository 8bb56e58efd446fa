import { packLayer } from "../layers/index.ts";
import type { CallOptions, Digest } from "../registry-client/index.ts";
import type { Compression } from "../runtime-core/index.ts";
import type { Edge, Vertex } from "./llb/index.ts";
import type { OpContext } from "./ops/index.ts";
import type { OpResult, OpRunner } from "./solver/index.ts";

/**
 * Packs the layers of the image while later steps still run: a state on the target's chain becomes a layer for certain, so
 * its blob can be written at once. The export finds it known, or waits for it.
 */
export class EarlyPacking {
  readonly #chain: ReadonlySet<Digest>;
  readonly #context: OpContext;
  readonly #options: CallOptions & { readonly compression: Compression };
  readonly #packing: Promise<unknown>[] = [];

  constructor(target: Edge, context: OpContext, options: CallOptions & { readonly compression: Compression }) {
    this.#chain = chainOf(target.vertex);
    this.#context = context;
    this.#options = options;
  }

  /** The same runner; what it executes is packed when it is on the chain. */
  wrap(vertex: Vertex, runner: OpRunner): OpRunner {
    if (!this.#chain.has(vertex.digest)) return runner;
    return {
      ...runner,
      exec: async (inputs, options) => {
        const result = await runner.exec(inputs, options);
        this.#start(result);
        return result;
      },
    };
  }

  /** Waits until nothing is written any more: after a failed build too. */
  async settled(): Promise<void> {
    await Promise.all(this.#packing);
  }

  #start(result: OpResult): void {
    if (result.type !== "snapshot" || result.snapshot.chain.length === 0) return;
    const { store, sourceDateEpoch } = this.#context;
    const packing = packLayer(result.snapshot, store, { ...this.#options, sourceDateEpoch });
    // Not lost: the export packs what is missing, and fails with the reason.
    this.#packing.push(packing.catch(() => undefined));
  }
}

/** The vertices whose results stand on each other in the target: first inputs, down to the base. */
function chainOf(target: Vertex): ReadonlySet<Digest> {
  const chain = new Set<Digest>();
  for (let vertex: Vertex | undefined = target; vertex !== undefined; vertex = vertex.inputs[0]?.vertex) {
    chain.add(vertex.digest);
  }
  return chain;
}
