import { PersistentMap } from "./persistent-map.ts";

interface Entry {
  readonly name: string;
  readonly value: string;
  /** Rises with every entry that is set. */
  readonly order: number;
}

/**
 * The variables that a step sees, in the order in which they were set last: one that is set again moves to the end, as in
 * BuildKit, and so does what `env` prints. Never changed: `with` gives the next one.
 */
export class StepEnvironment implements ReadonlyMap<string, string> {
  readonly #entries: PersistentMap<Entry>;
  readonly #next: number;

  private constructor(entries: PersistentMap<Entry>, next: number) {
    this.#entries = entries;
    this.#next = next;
  }

  static of(variables: Iterable<readonly [string, string]>): StepEnvironment {
    return new StepEnvironment(new PersistentMap(), 0).withAll(variables);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): string | undefined {
    return this.#entries.get(name)?.value;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** This environment with one variable set. */
  with(name: string, value: string): StepEnvironment {
    const entry = { name, value, order: this.#next };
    return new StepEnvironment(this.#entries.with(name, entry), this.#next + 1);
  }

  /** This environment with every variable set in turn. */
  withAll(variables: Iterable<readonly [string, string]>): StepEnvironment {
    let next: StepEnvironment = this;
    for (const [name, value] of variables) next = next.with(name, value);
    return next;
  }

  entries(): MapIterator<[string, string]> {
    return this.#inOrder().entries();
  }

  keys(): MapIterator<string> {
    return this.#inOrder().keys();
  }

  values(): MapIterator<string> {
    return this.#inOrder().values();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  forEach(visit: (value: string, name: string, map: ReadonlyMap<string, string>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  #inOrder(): Map<string, string> {
    const entries = [...this.#entries.values()].sort((a, b) => a.order - b.order);
    return new Map(entries.map(({ name, value }) => [name, value]));
  }
}
