/** A list that only grows, and whose every state stays: the last item, and the list before it. undefined: none. */
export type Chain<T> = { readonly last: T; readonly before: Chain<T> } | undefined;

/** The list and one more item. */
export function append<T>(chain: Chain<T>, item: T): Chain<T> {
  return { last: item, before: chain };
}

/** A list of `items`. */
export function chainOf<T>(items: readonly T[]): Chain<T> {
  return items.reduce<Chain<T>>(append, undefined);
}

/** Its items, from the first. */
export function toArray<T>(chain: Chain<T>): readonly T[] {
  const items: T[] = [];
  for (let rest = chain; rest !== undefined; rest = rest.before) items.push(rest.last);
  return items.reverse();
}
