/** A number from 0 up to `limit`, which it leaves out. */
export type Below = (limit: number) => number;

/** mulberry32: the same numbers for the same seed, everywhere. */
export function random(seed: number): Below {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** One of `items`. */
export function pick(items: readonly string[], below: Below): string {
  return items[below(items.length)] ?? "";
}
