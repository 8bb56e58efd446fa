import type { Digest } from "../registry-client/index.ts";
import type { BuildEvent } from "./events.ts";
import { topologicalOrder, type Vertex } from "./llb/index.ts";
import type { StepReport } from "./options.ts";

/** Collects, from a build's events, what became of its RUN steps. */
export class StepReports {
  readonly #steps = new Map<Digest, Partial<StepReport>>();

  readonly onEvent = (event: BuildEvent): void => {
    if (event.type === "usage") this.#add(event.digest, { usage: event.usage });
    if (event.type === "vertex" && event.state === "cached") this.#add(event.digest, { cached: true });
  };

  /** The RUN steps that `target` needed, in the order of the graph: each ran or was cached, or something above it was. */
  of(target: Vertex): readonly StepReport[] {
    return topologicalOrder(target).flatMap((vertex) => {
      const { digest, name, op } = vertex;
      const known = this.#steps.get(digest);
      return op.type !== "exec" || known === undefined ? [] : [{ digest, name, cached: false, ...known }];
    });
  }

  #add(digest: Digest, facts: Partial<StepReport>): void {
    this.#steps.set(digest, { ...this.#steps.get(digest), ...facts });
  }
}
