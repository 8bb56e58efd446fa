import { Space, type TreeSizes } from "./space.ts";
import type { BlobMap } from "./stored-images.ts";
import type { StoredThing } from "./stored-thing.ts";
import type { UsageRecord } from "./usage-record.ts";

/** `things` as they are shown, in their order. */
export function usageRecords(things: readonly StoredThing[], sizes: TreeSizes, blobs: BlobMap): readonly UsageRecord[] {
  const held = heldThings(things);
  return things.map((thing) => ({
    id: thing.id,
    type: thing.type,
    description: thing.description,
    ...(thing.names === undefined ? {} : { names: thing.names }),
    parents: thing.parents,
    sizeBytes: new Space([thing], sizes, blobs).bytes,
    createdAt: new Date(thing.createdMs).toISOString(),
    lastUsedAt: new Date(thing.usedMs).toISOString(),
    ...(thing.useCount === undefined ? {} : { usageCount: thing.useCount }),
    inUse: held.has(thing.id),
    shared: thing.isShared,
    mutable: thing.isMutable,
    reclaimable: !held.has(thing.id) && !thing.isListed && thing.type !== "internal",
  }));
}

/** The ids of what is in use, and of what that stands on. */
function heldThings(things: readonly StoredThing[]): ReadonlySet<string> {
  const byId = new Map(things.map((thing) => [thing.id, thing]));
  const held = new Set(things.filter(({ isInUse }) => isInUse).map(({ id }) => id));
  for (const id of held) for (const parent of byId.get(id)?.parents ?? []) held.add(parent);
  return held;
}
