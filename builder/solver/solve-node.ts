import type { CallOptions, Digest } from "../../registry-client/index.ts";
import { topologicalOrder, type Vertex } from "../llb/index.ts";
import { definitionKey } from "./cache-key.ts";
import type { CacheMap, OpRunner } from "./result.ts";

/** A vertex with what the solver knows of it before it executes anything. */
export interface SolveNode {
  readonly vertex: Vertex;
  /** Its place in topological order. */
  readonly index: number;
  readonly runner: OpRunner;
  readonly cacheMap: CacheMap;
  readonly inputs: readonly SolveNode[];
  readonly definitionKey: Digest;
  /** The definition key means the same in another build: no local files, however deep. */
  readonly isDefinitionStable: boolean;
  /** The result key means the same in another build: local files enter it by their content. */
  readonly isResultStable: boolean;
  /** `--no-cache`, for this vertex. */
  readonly ignoresCache: boolean;
  /** `--no-cache`, for this vertex or one below it: a record of an earlier build is not what was asked for. */
  readonly isStale: boolean;
}

export interface NodeSource {
  readonly resolveOp: (vertex: Vertex) => OpRunner;
  /** Called when a vertex cannot even be keyed. */
  readonly onError: (vertex: Vertex, error: unknown) => void;
}

/** The nodes of all vertices that `target` needs, equal vertices once, inputs first, the target last. */
export async function createNodes(
  target: Vertex,
  source: NodeSource,
  options: CallOptions,
): Promise<readonly SolveNode[]> {
  const order = topologicalOrder(target);
  const ignored = ignoredVertices(target);
  const keyed = await Promise.all(order.map((vertex) => keyVertex(vertex, source, options)));
  const nodes = new Map<Digest, SolveNode>();
  keyed.forEach(({ runner, cacheMap }, index) => {
    const vertex = order[index] as Vertex;
    nodes.set(
      vertex.digest,
      createNode({ vertex, index, runner, cacheMap, ignoresCache: ignored.has(vertex.digest) }, nodes),
    );
  });
  return [...nodes.values()];
}

async function keyVertex(vertex: Vertex, source: NodeSource, options: CallOptions) {
  try {
    const runner = source.resolveOp(vertex);
    return { runner, cacheMap: await runner.cacheMap(options) };
  } catch (error) {
    source.onError(vertex, error);
    throw error;
  }
}

function createNode(
  own: Pick<SolveNode, "vertex" | "index" | "runner" | "cacheMap" | "ignoresCache">,
  nodes: ReadonlyMap<Digest, SolveNode>,
): SolveNode {
  const { vertex, cacheMap } = own;
  const inputs = vertex.inputs.map((input) => nodes.get(input.vertex.digest) as SolveNode);
  const keys = inputs.map((input, index) => ({
    by: "definition" as const,
    key: input.definitionKey,
    output: vertex.inputs[index]?.output ?? 0,
  }));
  const isStable = cacheMap.isVolatile !== true;
  return {
    ...own,
    inputs,
    definitionKey: definitionKey(cacheMap.digest, keys),
    isDefinitionStable: isStable && inputs.every((input) => input.isDefinitionStable),
    isResultStable:
      isStable &&
      inputs.every((input, index) => input.isResultStable || cacheMap.inputs[index]?.contentDigest !== undefined),
    isStale: own.ignoresCache || inputs.some((input) => input.isStale),
  };
}

/** Of equal vertices, one that ignores the cache decides for all. */
function ignoredVertices(target: Vertex): ReadonlySet<Digest> {
  const ignored = new Set<Digest>();
  const seen = new Set<Vertex>([target]);
  for (const vertex of seen) {
    if (vertex.ignoreCache === true) ignored.add(vertex.digest);
    for (const input of vertex.inputs) seen.add(input.vertex);
  }
  return ignored;
}
