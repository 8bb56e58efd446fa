/**
 * A map from names that is never changed: `with` gives the next one, and every earlier one stays as it is. Names keep the
 * place of their first appearance.
 *
 * All versions share one Map. The version that was used last has it; every other one knows the version next to it on the
 * way there, and how it differs from that (H. Baker, "Shallow binding makes functional arrays fast"). A chain of n
 * additions takes n steps, where n copies would take n².
 */
export class PersistentMap<V extends string | object> implements ReadonlyMap<string, V> {
  #content: Map<string, V> | Difference<V>;

  constructor(entries: Iterable<readonly [string, V]> = []) {
    this.#content = new Map(entries);
  }

  get size(): number {
    return this.#map().size;
  }

  get(name: string): V | undefined {
    return this.#map().get(name);
  }

  has(name: string): boolean {
    return this.#map().has(name);
  }

  /** This map with one name set, in its old place or at the end. */
  with(name: string, value: V): PersistentMap<V> {
    const map = this.#map();
    if (map.get(name) === value) return this;
    const next = new PersistentMap<V>();
    this.#content = { neighbour: next, name, value: map.get(name) };
    next.#content = map.set(name, value);
    return next;
  }

  /** This map with every entry set in turn. */
  withAll(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    let next: PersistentMap<V> = this;
    for (const [name, value] of entries) next = next.with(name, value);
    return next;
  }

  /** Those of now: whoever loops over them may make new versions. */
  entries(): MapIterator<[string, V]> {
    return new Map(this.#map()).entries();
  }

  keys(): MapIterator<string> {
    return new Map(this.#map()).keys();
  }

  values(): MapIterator<V> {
    return new Map(this.#map()).values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, name: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  /** Moves the shared Map here, one version after the other. */
  #map(): Map<string, V> {
    const path: PersistentMap<V>[] = [];
    let version: PersistentMap<V> = this;
    while (!(version.#content instanceof Map)) {
      path.push(version);
      version = version.#content.neighbour;
    }
    let map = version.#content;
    for (const next of path.reverse()) map = next.#takeFrom(map);
    return map;
  }

  #takeFrom(map: Map<string, V>): Map<string, V> {
    const { neighbour, name, value } = this.#content as Difference<V>;
    neighbour.#content = { neighbour: this, name, value: map.get(name) };
    if (value === undefined) map.delete(name);
    else map.set(name, value);
    this.#content = map;
    return map;
  }
}

/** What `name` has in a version, unlike in the version next to it; undefined: it is not there. */
interface Difference<V extends string | object> {
  readonly neighbour: PersistentMap<V>;
  readonly name: string;
  readonly value: V | undefined;
}
