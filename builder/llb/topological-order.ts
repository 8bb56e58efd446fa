import type { Digest } from "../../registry-client/index.ts";
import type { Vertex } from "./vertex.ts";

/**
 * Every vertex that `target` needs and `target` itself, once each, inputs before what reads them.
 * Iterative: a chain may be as long as a Dockerfile has lines.
 */
export function topologicalOrder(target: Vertex): readonly Vertex[] {
  const order: Vertex[] = [];
  const seen = new Set<Digest>([target.digest]);
  const path: Visit[] = [{ vertex: target, nextInput: 0 }];
  for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
    const input = visit.vertex.inputs[visit.nextInput++]?.vertex;
    if (input === undefined) {
      order.push(visit.vertex);
      path.pop();
    } else if (!seen.has(input.digest)) {
      seen.add(input.digest);
      path.push({ vertex: input, nextInput: 0 });
    }
  }
  return order;
}

interface Visit {
  readonly vertex: Vertex;
  nextInput: number;
}
