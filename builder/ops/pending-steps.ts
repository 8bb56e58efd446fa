import type { Vertex } from "../llb/index.ts";

/** The RUN steps of a build that may still come. After the last one, no sandbox needs to stand ready. */
export class PendingSteps {
  readonly #pending = new Set<string>();
  readonly #past = new Set<string>();

  add(vertex: Vertex): void {
    this.#pending.add(vertex.digest);
  }

  /** A step begins: it and all that it stands on are past. True when no other may follow. */
  begin(vertex: Vertex): boolean {
    const waiting = [vertex];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (this.#past.has(next.digest)) continue;
      this.#past.add(next.digest);
      this.#pending.delete(next.digest);
      for (const input of next.inputs) waiting.push(input.vertex);
    }
    return this.#pending.size === 0;
  }
}
