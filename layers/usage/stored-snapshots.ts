import { join } from "node:path";
import { namesIn } from "../small-file.ts";
import { isSnapshotId, readRecord, recordPath, type SnapshotRecord, usesPath } from "../snapshot-record.ts";
import { directoryTimes, type StoredTimes } from "./stored-times.ts";

/** Where snapshots lie in a store. The second has those that cannot be mounted. */
const FOLDERS = ["snapshots", "snapshots-unmountable"];

export interface StoredSnapshot extends StoredTimes {
  readonly id: string;
  readonly directory: string;
  /** Absent when it is damaged: nobody can use the snapshot. */
  readonly record?: SnapshotRecord;
}

/** Every snapshot of the store at `root`, those that nobody can use too. */
export function listSnapshots(root: string): readonly StoredSnapshot[] {
  return FOLDERS.flatMap((folder) => {
    const ids = namesIn(join(root, folder)).filter(isSnapshotId);
    return ids.flatMap((id) => readSnapshot(join(root, folder, id), id));
  });
}

function readSnapshot(directory: string, id: string): readonly StoredSnapshot[] {
  const times = directoryTimes(directory, recordPath(directory), usesPath(directory));
  if (times === undefined) return [];
  const record = readRecord(directory);
  return [{ id, directory, ...times, ...(record?.id === id ? { record } : {}) }];
}
