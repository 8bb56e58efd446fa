import { type Stats, statSync } from "node:fs";

/** When something of the store was made and last used, in milliseconds since 1970, and by how many builds. */
export interface StoredTimes {
  readonly createdMs: number;
  readonly usedMs: number;
  /** Absent where it is not counted. */
  readonly useCount?: number;
}

/** The size and times of what is at `path`, a symbolic link not followed to nothing; undefined when it is gone. */
export function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/**
 * The times of a directory of the store: it was made when `record` was written in it, its own mtime is set at each use, and
 * `counter` has a byte for each use after the first. Undefined when the directory is gone.
 */
export function directoryTimes(directory: string, record: string, counter: string): StoredTimes | undefined {
  const used = statOf(directory);
  if (used === undefined) return undefined;
  const createdMs = statOf(record)?.mtimeMs ?? birthOf(used);
  return { createdMs, usedMs: Math.max(used.mtimeMs, createdMs), useCount: 1 + (statOf(counter)?.size ?? 0) };
}

/** Filesystems that know no birth say the epoch, or a change that is later than the last modification. */
export function birthOf({ birthtimeMs, mtimeMs }: Stats): number {
  return birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs;
}
