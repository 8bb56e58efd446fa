import { join } from "node:path";
import type { Digest } from "../../registry-client/index.ts";
import { isLayer } from "../layer.ts";
import { namesIn, readSmallFile } from "../small-file.ts";

/** A file of the store that names a snapshot: useless without it, and removed before it. */
export interface SnapshotReference {
  readonly path: string;
  readonly snapshotId: string;
  readonly kind: "cache" | "layer" | "chain" | "http" | "git";
  /** `layer`: the blob that the snapshot became. */
  readonly blob?: Digest;
  /** `cache`: the name of the vertex that made the snapshot. */
  readonly name?: string;
}

type Parsed = Omit<SnapshotReference, "path">;
type Parse = (text: string, name: string) => Parsed | undefined;

const FOLDERS: readonly { readonly path: string; readonly parse: Parse }[] = [
  { path: "cache", parse: (text) => fromJson(text, cacheRecord) },
  { path: "layers", parse: (text, name) => fromJson(text, (value) => layerRecord(value, name)) },
  { path: "sources/http", parse: (text) => fromJson(text, (value) => sourceRecord(value, "http")) },
  { path: "sources/git", parse: (text) => fromJson(text, (value) => sourceRecord(value, "git")) },
  { path: "snapshots/chains", parse: (text) => ({ snapshotId: text, kind: "chain" }) },
  { path: "snapshots-unmountable/chains", parse: (text) => ({ snapshotId: text, kind: "chain" }) },
];

/** Every file of the store at `root` that names a snapshot. One that cannot be read names the snapshot "", which is none. */
export function listReferences(root: string): readonly SnapshotReference[] {
  return FOLDERS.flatMap(({ path: folder, parse }) =>
    namesIn(join(root, folder)).flatMap((name) => {
      const path = join(root, folder, name);
      const text = readSmallFile(path);
      return text === undefined ? [] : [{ path, ...(parse(text, name) ?? UNREADABLE) }];
    }),
  );
}

const UNREADABLE: Parsed = { snapshotId: "", kind: "cache" };

/** As the builder's solver writes it: `builder/solver/cache-store.ts`. */
function cacheRecord({ snapshotId, name }: Record<string, unknown>): Parsed | undefined {
  if (typeof snapshotId !== "string") return undefined;
  return { snapshotId, kind: "cache", ...(typeof name === "string" ? { name } : {}) };
}

/** The name begins with the snapshot's: `packedName`. */
function layerRecord(value: unknown, name: string): Parsed | undefined {
  const snapshotId = name.slice(0, name.indexOf("."));
  return isLayer(value) ? { snapshotId, kind: "layer", blob: value.descriptor.digest } : undefined;
}

/** As the builder's sources write it: `builder/sources/source-record.ts`. */
function sourceRecord({ snapshot }: Record<string, unknown>, kind: "http" | "git"): Parsed | undefined {
  return typeof snapshot === "string" ? { snapshotId: snapshot, kind } : undefined;
}

function fromJson(text: string, read: (value: Record<string, unknown>) => Parsed | undefined): Parsed | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? read(value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
