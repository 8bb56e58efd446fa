import type { StoredThing } from "./stored-thing.ts";

/**
 * The least worth first, as BuildKit weighs it: how long ago something was used counts as much as how seldom it was, each as its
 * rank among the others.
 */
export function inOrderOfWorth(things: readonly StoredThing[]): readonly StoredThing[] {
  const age = ranks(things.map(({ usedMs }) => usedMs));
  const uses = ranks(things.map(useCountOf));
  const worth = new Map(things.map((thing) => [thing, age(thing.usedMs) + uses(useCountOf(thing))]));
  return [...things].sort((a, b) => (worth.get(a) ?? 0) - (worth.get(b) ?? 0) || a.usedMs - b.usedMs);
}

function useCountOf({ useCount = 1 }: StoredThing): number {
  return useCount;
}

/** From 0, the lowest, to 1, the highest. */
function ranks(values: readonly number[]): (value: number) => number {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const byValue = new Map(sorted.map((value, index) => [value, index / Math.max(1, sorted.length - 1)]));
  return (value) => byValue.get(value) ?? 0;
}
