import type { TreeUsage } from "../../runtime-core/index.ts";
import type { BlobMap } from "./stored-images.ts";
import type { StoredThing } from "./stored-thing.ts";

/** What directories take, by their paths. */
export type TreeSizes = ReadonlyMap<string, TreeUsage>;

/** Something on the disk that several things may share. */
interface Piece {
  readonly key: string;
  readonly bytes: number;
}

/** The space of a set of things: what several of them share counts once, and is freed with the last. */
export class Space {
  readonly #sizes: TreeSizes;
  readonly #blobs: BlobMap;
  readonly #holders = new Map<string, number>();
  #bytes = 0;

  constructor(things: readonly StoredThing[], sizes: TreeSizes, blobs: BlobMap) {
    this.#sizes = sizes;
    this.#blobs = blobs;
    for (const thing of things) this.add(thing);
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(thing: Held): void {
    for (const { key, bytes } of this.#pieces(thing)) {
      const holders = this.#holders.get(key) ?? 0;
      if (holders === 0) this.#bytes += bytes;
      this.#holders.set(key, holders + 1);
    }
  }

  /** Removes a thing that was added, and says what that frees. */
  remove(thing: Held): number {
    const before = this.#bytes;
    for (const { key, bytes } of this.#pieces(thing)) {
      const holders = (this.#holders.get(key) ?? 0) - 1;
      if (holders === 0) this.#bytes -= bytes;
      this.#holders.set(key, holders);
    }
    return before - this.#bytes;
  }

  /** Whether a blob is held by anything that is left. */
  holds(digest: string): boolean {
    return (this.#holders.get(digest) ?? 0) > 0;
  }

  #pieces({ trees, blobs }: Held): readonly Piece[] {
    const inTrees = trees.flatMap((path) => {
      const size = this.#sizes.get(path);
      if (size === undefined) return [];
      const linked = size.linked.map(({ inode, bytes }) => ({ key: `inode ${inode}`, bytes }));
      return [{ key: path, bytes: size.ownBytes }, ...linked];
    });
    return [...inTrees, ...blobs.map((digest) => ({ key: digest, bytes: this.#blobs.get(digest)?.bytes ?? 0 }))];
  }
}

/** What counts of a thing. */
export type Held = Pick<StoredThing, "trees" | "blobs">;
