/** Numbers that a seed decides: the same moments and victims again for whoever has seen a failure. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1, without it. mulberry32: good enough for picking moments. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From 0 up to `limit`. */
  below(limit: number): number {
    return this.next() * limit;
  }

  /** One of `values`; undefined of none. */
  pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.below(values.length))];
  }
}
