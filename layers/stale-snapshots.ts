import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../runtime-core/index.ts";
import { isAbsent, isSnapshotId, readRecord, syncedPath } from "./snapshot-record.ts";
import type { Workspace } from "./workspace.ts";

/** Names the boot that the snapshots were last checked in. */
const BOOT_FILE = "boot";

/**
 * Removes what a crash of the machine may have left half-written: snapshots of an earlier boot that were never synced, and
 * those that stand on them. Done once a boot; nothing of this boot is touched, so builds may run meanwhile.
 */
export async function discardStaleSnapshots(root: string, bootId: string, workspace: Workspace): Promise<void> {
  if (await isCheckedIn(root, bootId)) return;
  const ids = (await readdir(root)).filter(isSnapshotId);
  const kept = new Set<string>();
  const records = new Map((await Promise.all(ids.map((id) => trusted(root, id, bootId)))).flat());
  for (const [id, chain] of records) if (chain.every((parent) => records.has(parent))) kept.add(id);
  for (const id of ids) if (!kept.has(id)) await removeSnapshot(join(root, id), workspace);
  await workspace.replaceFile(join(root, BOOT_FILE), bootId);
}

/** Whether this boot's check is done. */
export async function isCheckedIn(root: string, bootId: string): Promise<boolean> {
  try {
    return (await readFile(join(root, BOOT_FILE), "utf8")) === bootId;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
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
export async function markOnDisk(directory: string): Promise<void> {
  try {
    await writeFile(syncedPath(directory), "");
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

export async function isOnDisk(directory: string): Promise<boolean> {
  try {
    await stat(syncedPath(directory));
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function trusted(root: string, id: string, bootId: string): Promise<[string, readonly string[]][]> {
  const directory = join(root, id);
  const record = await readRecord(directory);
  if (record?.id !== id) return [];
  return record.bootId === bootId || (await isOnDisk(directory)) ? [[id, record.chain]] : [];
}
