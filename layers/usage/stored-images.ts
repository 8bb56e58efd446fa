import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import {
  type Descriptor,
  type Digest,
  isDigest,
  isIndexType,
  isManifestType,
  listTags,
  maxManifestBytes,
  parseIndex,
  parseManifest,
  sniffMediaType,
} from "../../registry-client/index.ts";
import { isAbsent, namesIn } from "../small-file.ts";
import { birthOf, type StoredTimes, statOf } from "./stored-times.ts";

const BLOCK_BYTES = 512;

export interface StoredBlob extends StoredTimes {
  readonly digest: Digest;
  readonly path: string;
  /** What it takes on the disk. */
  readonly bytes: number;
  /** As its descriptor has it. */
  readonly size: number;
}

/** A manifest or index with all that it needs. */
export interface StoredImage {
  readonly digest: Digest;
  /** It is in `index.json`. */
  readonly isListed: boolean;
  /** Its names there. */
  readonly names: readonly string[];
  /** Itself first. Those that the store has. */
  readonly blobs: readonly Digest[];
}

export type BlobMap = ReadonlyMap<Digest, StoredBlob>;

/** Every blob of the store at `root`. */
export function listBlobs(root: string): BlobMap {
  const found = ["sha256", "sha512"].flatMap((algorithm) =>
    namesIn(join(root, "blobs", algorithm)).flatMap((hex) => readBlob(root, algorithm, hex)),
  );
  return new Map(found.map((blob) => [blob.digest, blob]));
}

/**
 * The images of the store at `root`: those that `index.json` lists, then those that have lost their name or never had one.
 * Throws RegistryError INVALID_CONTENT when `index.json` is damaged: nobody knows what is needed then.
 */
export function listImages(root: string, blobs: BlobMap): readonly StoredImage[] {
  const path = join(root, "index.json");
  const index = parseIndex(readFileSync(path), path);
  const tags = listTags(index);
  const listed = [...new Map(index.manifests.map((entry) => [entry.digest, entry])).values()].map((entry) => ({
    digest: entry.digest,
    isListed: true,
    names: tags.filter(({ descriptor }) => descriptor.digest === entry.digest).map(({ reference }) => reference),
    blobs: neededBlobs(entry, blobs),
  }));
  return [...listed, ...danglingImages(blobs, new Set(listed.flatMap((image) => image.blobs)))];
}

/** Manifests that no other one lists. */
function danglingImages(blobs: BlobMap, known: ReadonlySet<Digest>): readonly StoredImage[] {
  const found = [...blobs.values()].flatMap((blob) => {
    const mediaType = known.has(blob.digest) ? undefined : mediaTypeOf(blob);
    if (mediaType === undefined) return [];
    const needed = neededBlobs({ mediaType, digest: blob.digest, size: blob.size }, blobs);
    return [{ digest: blob.digest, isListed: false, names: [], blobs: needed }];
  });
  const inner = new Set(found.flatMap((image) => image.blobs.slice(1)));
  return found.filter(({ digest }) => !inner.has(digest));
}

/** What a descriptor needs to be whole, itself first. What is missing or no manifest needs nothing. */
export function neededBlobs(root: Descriptor, blobs: BlobMap): readonly Digest[] {
  const needed = new Set<Digest>();
  const pending: Descriptor[] = [root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const blob = blobs.get(next.digest);
    if (blob === undefined || needed.has(next.digest)) continue;
    needed.add(next.digest);
    pending.push(...listedBy(next, blob));
  }
  return [...needed];
}

function listedBy({ mediaType, digest }: Descriptor, blob: StoredBlob): readonly Descriptor[] {
  if (blob.size > maxManifestBytes) return [];
  try {
    if (isIndexType(mediaType)) return parseIndex(readFileSync(blob.path), digest).manifests;
    if (!isManifestType(mediaType)) return [];
    const { config, layers } = parseManifest(readFileSync(blob.path), digest);
    return [config, ...layers];
  } catch {
    // Damaged or gone: what it needed cannot be known.
    return [];
  }
}

/** Most blobs are known by their first byte to be no manifest. */
export function mediaTypeOf({ path, size }: StoredBlob): string | undefined {
  if (size > maxManifestBytes) return undefined;
  try {
    return firstByte(path) === "{" ? sniffMediaType(readFileSync(path)) : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function firstByte(path: string): string {
  const file = openSync(path, "r");
  try {
    const byte = Buffer.alloc(1);
    return readSync(file, byte) === 1 ? byte.toString("latin1") : "";
  } finally {
    closeSync(file);
  }
}

function readBlob(root: string, algorithm: string, hex: string): readonly StoredBlob[] {
  const digest = `${algorithm}:${hex}`;
  const path = join(root, "blobs", algorithm, hex);
  const stats = isDigest(digest) ? statOf(path) : undefined;
  if (!isDigest(digest) || stats?.isFile() !== true) return [];
  const times = { createdMs: birthOf(stats), usedMs: stats.mtimeMs };
  return [{ digest, path, bytes: stats.blocks * BLOCK_BYTES, size: stats.size, ...times }];
}
