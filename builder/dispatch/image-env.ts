import { PersistentMap } from "./persistent-map.ts";

/** The Env of an image config: rows of the base image, and what ENV set since. */
export interface ImageEnv {
  readonly base: readonly string[];
  readonly set: PersistentMap<string>;
}

/** The `NAME=value` rows of a base, as they are. */
export function openEnv(rows: readonly string[]): ImageEnv {
  return { base: rows, set: new PersistentMap() };
}

/** NAME set: in its old place, or at the end. */
export function setEnv({ base, set }: ImageEnv, name: string, value: string): ImageEnv {
  return { base, set: set.with(name, value) };
}

/** The rows: of a name that the base has twice, only the first is replaced, as in BuildKit. */
export function envRows({ base, set }: ImageEnv): readonly string[] {
  const added = new Map(set);
  const rows = base.map((row) => {
    const [name] = splitRow(row);
    const value = added.get(name);
    return added.delete(name) ? `${name}=${value}` : row;
  });
  return [...rows, ...Array.from(added, ([name, value]) => `${name}=${value}`)];
}

/** `NAME=value` rows as a map; a row without `=` is an empty value. */
export function envMap(rows: readonly string[]): Map<string, string> {
  return new Map(rows.map(splitRow));
}

function splitRow(row: string): [name: string, value: string] {
  const equals = row.indexOf("=");
  return equals < 0 ? [row, ""] : [row.slice(0, equals), row.slice(equals + 1)];
}
