import { writeFileSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../runtime-core/index.ts";
import { isAbsent, isPresent, readSmallFile } from "./small-file.ts";
import { isSnapshotId, readRecord, syncedPath } from "./snapshot-record.ts";
import type { Workspace } from "./workspace.ts";

/** Names the boot that the snapshots were last checked in. */
const BOOT_FILE = "boot";

/**
 * Removes what a crash of the machine may have left half-written: snapshots of an earlier boot that were never synced, and
 * those that stand on them. Done once a boot; nothing of this boot is touched, so builds may run meanwhile.
 */
export async function discardStaleSnapshots(root: string, bootId: string, workspace: Workspace): Promise<void> {
  if (isCheckedIn(root, bootId)) return;
  const ids = (await readdir(root)).filter(isSnapshotId);
  const kept = new Set<string>();
  const records = new Map(ids.flatMap((id) => trusted(root, id, bootId)));
  for (const [id, chain] of records) if (chain.every((parent) => records.has(parent))) kept.add(id);
  for (const id of ids) if (!kept.has(id)) await removeSnapshot(join(root, id), workspace);
  workspace.replaceFile(join(root, BOOT_FILE), bootId);
}

/** Whether this boot's check is done. */
export function isCheckedIn(root: string, bootId: string): boolean {
  return readSmallFile(join(root, BOOT_FILE)) === bootId;
}

/** The snapshot is gone at once; its files follow. */
export async function removeSnapshot(directory: string, workspace: Workspace): Promise<void> {
  const grave = workspace.path();
  try {
    await rename(directory, grave);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await removeTree(grave);
}

/** Says that the data of the snapshot in `directory` is on disk. Nothing happens when it was removed meanwhile. */
export function markOnDisk(directory: string): void {
  try {
    writeFileSync(syncedPath(directory), "");
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

export function isOnDisk(directory: string): boolean {
  return isPresent(syncedPath(directory));
}

function trusted(root: string, id: string, bootId: string): [string, readonly string[]][] {
  const directory = join(root, id);
  const record = readRecord(directory);
  if (record?.id !== id) return [];
  return record.bootId === bootId || isOnDisk(directory) ? [[id, record.chain]] : [];
}
