import type { Digest } from "../../registry-client/index.ts";
import type { StoreContents } from "./list-things.ts";
import { inOrderOfWorth } from "./prune-order.ts";
import { allows, keepBytes, type PrunePolicy } from "./prune-policy.ts";
import { Space, type TreeSizes } from "./space.ts";
import type { StoredThing } from "./stored-thing.ts";
import type { UsageRecord } from "./usage-record.ts";
import { usageRecords } from "./usage-records.ts";

/** Something that is removed. */
export interface Removal {
  readonly thing: StoredThing;
  readonly record: UsageRecord;
  /** The blobs that nothing needs any more when it is gone, in the order in which they go. */
  readonly blobs: readonly Digest[];
}

export interface PrunePlan {
  /** What stands on another before that other. */
  readonly removals: readonly Removal[];
  readonly freedBytes: number;
  /** Of all that is left. */
  readonly leftBytes: number;
}

export interface Circumstances {
  /** Of directories that were measured: what was made since is not removed. */
  readonly sizes: TreeSizes;
  readonly nowMs: number;
  /** Of the store's filesystem. */
  readonly freeBytes: number;
}

/** What `policy` removes of a store. Changes nothing. */
export function planPrune(contents: StoreContents, policy: PrunePolicy, circumstances: Circumstances): PrunePlan {
  const { things, blobs, usedBlobs } = contents;
  const records = usageRecords(things, circumstances.sizes, blobs);
  const recordOf = new Map(things.map((thing, index) => [thing, records[index] as UsageRecord]));
  const space = new Space(things, circumstances.sizes, blobs);
  space.add({ trees: [], blobs: usedBlobs });

  const before = space.bytes;
  let used = before - bytesOfOthers(contents, policy, recordOf, circumstances);
  const keep = keepBytes(policy, used, circumstances.freeBytes);
  const queue = new RemovalQueue(things, inOrderOfWorth(removable(recordOf, policy, circumstances)));
  const removals: Removal[] = [];
  while (keep === 0 || used > keep) {
    const thing = queue.next();
    if (thing === undefined) break;
    used -= space.remove(thing);
    const freed = thing.blobs.filter((digest) => !space.holds(digest));
    removals.push({ thing, record: recordOf.get(thing) as UsageRecord, blobs: freed });
  }
  return { removals, freedBytes: before - space.bytes, leftBytes: space.bytes };
}

type RecordOf = ReadonlyMap<StoredThing, UsageRecord>;

/** What a bound does not count: it is there whatever is removed. */
function bytesOfOthers({ blobs, usedBlobs }: StoreContents, policy: PrunePolicy, records: RecordOf, c: Circumstances) {
  const counts = ([thing, { shared }]: [StoredThing, UsageRecord]) =>
    !thing.isListed && (policy.all === true || !shared);
  const others = [...records].filter((pair) => !counts(pair)).map(([thing]) => thing);
  const space = new Space(others, c.sizes, blobs);
  space.add({ trees: [], blobs: usedBlobs });
  return space.bytes;
}

function removable(records: RecordOf, policy: PrunePolicy, { sizes, nowMs }: Circumstances): readonly StoredThing[] {
  return [...records].flatMap(([thing, record]) => {
    const isMeasured = thing.trees.every((path) => sizes.has(path));
    return isMeasured && allows(policy, record, nowMs) ? [thing] : [];
  });
}

/** Candidates in their order, each when nothing stands on it any more. */
class RemovalQueue {
  readonly #ranks: ReadonlyMap<string, { readonly thing: StoredThing; readonly rank: number }>;
  readonly #children = new Map<string, number>();
  readonly #ready: StoredThing[];

  constructor(things: readonly StoredThing[], candidates: readonly StoredThing[]) {
    this.#ranks = new Map(candidates.map((thing, rank) => [thing.id, { thing, rank }]));
    for (const parent of things.flatMap(({ parents }) => parents)) this.#count(parent, 1);
    this.#ready = candidates.filter(({ id }) => this.#count(id, 0) === 0);
  }

  next(): StoredThing | undefined {
    const thing = this.#ready.shift();
    for (const parent of thing?.parents ?? []) {
      const freed = this.#count(parent, -1) === 0 ? this.#ranks.get(parent) : undefined;
      if (freed !== undefined) this.#insert(freed.thing, freed.rank);
    }
    return thing;
  }

  #insert(thing: StoredThing, rank: number): void {
    const at = this.#ready.findIndex(({ id }) => (this.#ranks.get(id)?.rank ?? 0) > rank);
    this.#ready.splice(at < 0 ? this.#ready.length : at, 0, thing);
  }

  #count(id: string, change: number): number {
    const count = (this.#children.get(id) ?? 0) + change;
    this.#children.set(id, count);
    return count;
  }
}
