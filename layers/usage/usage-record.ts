/**
 * BuildKit's words, where it has one. `regular`: a step's result, or a layer that was unpacked. `source.git.checkout`,
 * `source.http`: what was fetched. `exec.cachemount`: a cache of RUN. `image`: a manifest with its blobs. `blob`: content that
 * nothing names. `internal`: the store's own.
 */
export type UsageType =
  | "regular"
  | "source.git.checkout"
  | "source.http"
  | "exec.cachemount"
  | "image"
  | "blob"
  | "internal";

/** One thing that a store keeps. */
export interface UsageRecord {
  readonly id: string;
  readonly type: UsageType;
  /** For people: the step, the address, the names of an image. */
  readonly description: string;
  /** The names of an image; none for one that has lost them. Absent for anything else. */
  readonly names?: readonly string[];
  /** What it stands on, and keeps. */
  readonly parents: readonly string[];
  /** On the disk, with what it shares with others. */
  readonly sizeBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly lastUsedAt: string;
  /** How many builds used it, the one that made it included. Absent where it is not counted. */
  readonly usageCount?: number;
  /** A process that runs holds it: no prune removes it. */
  readonly inUse: boolean;
  /** An image in `index.json` is made of it: only a prune of all removes it. */
  readonly shared: boolean;
  /** A cache of RUN. */
  readonly mutable: boolean;
  /** A prune of all would remove it. */
  readonly reclaimable: boolean;
}

/** What a store keeps. Sums count once what several records share: blobs, and files with several names. */
export interface DiskUsage {
  /** Of the store, absolute. */
  readonly root: string;
  readonly records: readonly UsageRecord[];
  readonly totalBytes: number;
  /** What a prune of all would free now. */
  readonly reclaimableBytes: number;
  /** Of the records that are shared, and of the others alone. */
  readonly sharedBytes: number;
  readonly privateBytes: number;
}
