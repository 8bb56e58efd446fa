import { join } from "node:path";
import type { CallOptions } from "../../registry-client/index.ts";
import { withLayerErrors } from "../errors.ts";
import { isPresent, namesIn } from "../small-file.ts";
import type { Store } from "../store.ts";
import { readContents, type StoreContents } from "./list-things.ts";
import { measureTrees } from "./measure.ts";
import { Space, type TreeSizes } from "./space.ts";
import type { StoredThing } from "./stored-thing.ts";
import { statOf } from "./stored-times.ts";
import type { DiskUsage, UsageRecord } from "./usage-record.ts";
import { usageRecords } from "./usage-records.ts";

/** What has records of its own. Other directories are the store's own small files. */
const LISTED = ["blobs", "snapshots", "snapshots-unmountable", "mounts", "tmp", "ingest"];

/** What the store keeps, its own small files and what others are writing too. Most recently used first. Changes nothing. */
export async function storeUsage(store: Store, options: CallOptions = {}): Promise<DiskUsage> {
  return await withLayerErrors(async () => {
    const contents = readContents(store.root);
    const things = [...contents.things, ...internalThings(store)].sort((a, b) => b.usedMs - a.usedMs);
    const sizes = await measureTrees(things, store, options);
    const records = usageRecords(things, sizes, contents.blobs);
    return { root: store.root, records, ...sums({ ...contents, things }, records, sizes) };
  });
}

function sums(
  { things, blobs, usedBlobs }: StoreContents,
  records: readonly UsageRecord[],
  sizes: TreeSizes,
): Pick<DiskUsage, "totalBytes" | "reclaimableBytes" | "sharedBytes" | "privateBytes"> {
  const bytesOf = (chosen: (record: UsageRecord) => boolean, used: StoreContents["usedBlobs"] = []): number => {
    const space = new Space([], sizes, blobs);
    things.forEach((thing, index) => {
      if (chosen(records[index] as UsageRecord)) space.add(thing);
    });
    space.add({ trees: [], blobs: used });
    return space.bytes;
  };
  const totalBytes = bytesOf(() => true);
  const sharedBytes = bytesOf(({ shared }) => shared);
  const keptBytes = bytesOf(({ reclaimable }) => !reclaimable, usedBlobs);
  return { totalBytes, reclaimableBytes: totalBytes - keptBytes, sharedBytes, privateBytes: totalBytes - sharedBytes };
}

function internalThings({ root, workspace }: Store): readonly StoredThing[] {
  const directories = namesIn(join(root, "tmp")).map((name) => join(root, "tmp", name));
  const others = directories.filter((path) => path !== workspace.root && !path.endsWith(".lock"));
  const unfinished = [...others, join(root, "ingest")];
  const records = namesIn(root)
    .filter((name) => !LISTED.includes(name))
    .map((name) => join(root, name))
    .filter((path) => statOf(path)?.isDirectory() === true);
  return [
    internalThing("tmp", "what is being written now", unfinished, others.length > 0),
    internalThing("records", "cache keys, which blob a snapshot became, and other indexes", records, false),
  ];
}

function internalThing(id: string, description: string, paths: readonly string[], isInUse: boolean): StoredThing {
  const trees = paths.filter(isPresent);
  const times = trees.map((path) => statOf(path)?.mtimeMs ?? 0);
  const own = { id, type: "internal", description, trees, isInUse } as const;
  const none = { parents: [], blobs: [], references: [], isShared: false, isListed: false } as const;
  return { ...own, ...none, createdMs: Math.min(...times), usedMs: Math.max(...times), isMutable: true };
}
