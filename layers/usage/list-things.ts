import { join } from "node:path";
import type { Digest } from "../../registry-client/index.ts";
import { readUses } from "../store-uses.ts";
import { listReferences, type SnapshotReference } from "./snapshot-references.ts";
import { listCaches, type StoredCache } from "./stored-caches.ts";
import { type BlobMap, listBlobs, listImages, mediaTypeOf, neededBlobs, type StoredImage } from "./stored-images.ts";
import { listSnapshots, type StoredSnapshot } from "./stored-snapshots.ts";
import type { StoredThing } from "./stored-thing.ts";
import type { UsageType } from "./usage-record.ts";

/** All that a store has, at one moment for those who hold the prune lock alone. */
export interface StoreContents {
  readonly things: readonly StoredThing[];
  readonly blobs: BlobMap;
  /** Blobs that processes use, with what the manifests among them need. */
  readonly usedBlobs: readonly Digest[];
  /** Files that name a snapshot which is gone. */
  readonly staleReferences: readonly string[];
}

/**
 * Reads what the store at `root` keeps; in place, so that one who holds the prune lock lets nobody else in meanwhile.
 *
 * The order counts. What names comes before what is named; what may be in use before the uses, since what is made is noted before
 * it is there; and `index.json` after them, since a build that ends gives its image a name before its notes go.
 */
export function readContents(root: string): StoreContents {
  const references = listReferences(root);
  const snapshots = listSnapshots(root);
  const caches = listCaches(root);
  const blobs = listBlobs(root);
  const uses = readUses(join(root, "tmp"));
  const images = listImages(root, blobs);
  const listed = new Set(images.flatMap((image) => (image.isListed ? image.blobs : [])));
  const byId = referencesById(references);
  const things = [
    ...images.map((image) => imageThing(image, blobs, uses)),
    ...snapshots.map((snapshot) => snapshotThing(snapshot, byId.get(snapshot.id) ?? [], { blobs, uses, listed })),
    ...caches.map((cache) => cacheThing(cache, uses)),
  ];
  const known = new Set(things.flatMap((thing) => thing.blobs));
  const ids = new Set(snapshots.map(({ id }) => id));
  return {
    things: [
      ...things,
      ...[...blobs.keys()].filter((digest) => !known.has(digest)).map((d) => blobThing(d, blobs, uses)),
    ],
    blobs,
    usedBlobs: usedBlobs(blobs, uses),
    staleReferences: references.filter(({ snapshotId }) => !ids.has(snapshotId)).map(({ path }) => path),
  };
}

function referencesById(references: readonly SnapshotReference[]): ReadonlyMap<string, readonly SnapshotReference[]> {
  const byId = new Map<string, SnapshotReference[]>();
  for (const reference of references) {
    const others = byId.get(reference.snapshotId);
    if (others === undefined) byId.set(reference.snapshotId, [reference]);
    else others.push(reference);
  }
  return byId;
}

type Uses = ReadonlySet<string>;

/** A build that uses a manifest may not have looked at its layers yet. */
function usedBlobs(blobs: BlobMap, uses: Uses): readonly Digest[] {
  return [...blobs.values()]
    .filter(({ digest }) => uses.has(digest))
    .flatMap((blob) => {
      const { digest, size } = blob;
      return neededBlobs({ mediaType: mediaTypeOf(blob) ?? "", digest, size }, blobs);
    });
}

function imageThing({ digest, isListed, names, blobs: needed }: StoredImage, blobs: BlobMap, uses: Uses): StoredThing {
  const { createdMs, usedMs } = blobs.get(digest) ?? { createdMs: 0, usedMs: 0 };
  return {
    ...NOTHING,
    id: digest,
    type: "image",
    description:
      names.length > 0 ? names.join(", ") : isListed ? "image that index.json lists" : "image without a name",
    names,
    blobs: needed,
    createdMs,
    usedMs,
    isInUse: uses.has(digest),
    isListed,
  };
}

interface Surroundings {
  readonly blobs: BlobMap;
  readonly uses: Uses;
  readonly listed: ReadonlySet<Digest>;
}

/** A pulled snapshot needs the blob it came from; of others it is known which blob they became. */
function snapshotThing(
  snapshot: StoredSnapshot,
  references: readonly SnapshotReference[],
  { blobs, uses, listed }: Surroundings,
): StoredThing {
  const { id, record, directory, createdMs, usedMs, useCount } = snapshot;
  const parent = record?.chain.at(-2);
  const origin = record?.layer?.descriptor.digest;
  const packed = references.flatMap(({ blob }) => blob ?? []);
  const own = [...new Set([...(origin === undefined ? [] : [origin]), ...packed])].filter((digest) =>
    blobs.has(digest),
  );
  return {
    ...NOTHING,
    id,
    type: snapshotType(references),
    description: describeSnapshot(snapshot, references),
    parents: parent === undefined ? [] : [parent],
    trees: [directory],
    blobs: own,
    references: references.map(({ path }) => path),
    createdMs,
    usedMs,
    ...(useCount === undefined ? {} : { useCount }),
    isInUse: uses.has(id),
    isShared: own.some((digest) => listed.has(digest)),
  };
}

function snapshotType(references: readonly SnapshotReference[]): UsageType {
  const kinds = references.map(({ kind }) => kind);
  if (kinds.includes("git")) return "source.git.checkout";
  return kinds.includes("http") ? "source.http" : "regular";
}

function describeSnapshot({ record }: StoredSnapshot, references: readonly SnapshotReference[]): string {
  if (record === undefined) return "damaged snapshot";
  const names = references.flatMap(({ name }) => name ?? []);
  const [name] = names;
  if (record.layer === undefined) return name ?? "state that no cache key names";
  const layer = `layer ${record.layer.descriptor.digest}`;
  return name === undefined ? layer : `${layer} of ${name}`;
}

function cacheThing({ id, directory, lockPath, description, ...times }: StoredCache, uses: Uses): StoredThing {
  const { createdMs, usedMs, useCount = 1 } = times;
  const isInUse = uses.has(id);
  const own = { id, type: "exec.cachemount", description, trees: [directory], lockPath, isInUse } as const;
  return { ...NOTHING, ...own, createdMs, usedMs, useCount, isMutable: true };
}

function blobThing(digest: Digest, blobs: BlobMap, uses: Uses): StoredThing {
  const { createdMs, usedMs } = blobs.get(digest) ?? { createdMs: 0, usedMs: 0 };
  const own = { id: digest, type: "blob", description: "content that nothing names", blobs: [digest] } as const;
  return { ...NOTHING, ...own, createdMs, usedMs, isInUse: uses.has(digest) };
}

const NOTHING = {
  parents: [],
  trees: [],
  blobs: [],
  references: [],
  isInUse: false,
  isShared: false,
  isListed: false,
  isMutable: false,
} as const;
