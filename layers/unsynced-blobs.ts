import { statSync, utimesSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type CallOptions, type Digest, isDigest, type OciLayout } from "../registry-client/index.ts";
import { digestFile } from "../runtime-core/index.ts";
import { isPresent } from "./small-file.ts";
import type { Workspace } from "./workspace.ts";

/** Its mtime is when everything in the store was last on disk. */
const SYNCED_FILE = "synced";

/**
 * Removes blobs that a crash of the machine left damaged under their final names: of those that came after the last sync,
 * what no longer has its digest. Older ones are not read.
 */
export async function discardDamagedBlobs(
  layout: OciLayout,
  syncedMs: number,
  options: CallOptions = {},
): Promise<void> {
  for (const digest of await blobsSince(layout, syncedMs)) {
    const path = layout.blobPath(digest);
    if ((await digestFile(path, options)).digest !== digest) await rm(path, { force: true });
  }
}

/** When everything in the store was last on disk; 0: never. */
export function lastSyncMs(root: string): number {
  return statSync(join(root, SYNCED_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Notes that what was written before `beganMs` is on disk. */
export function noteSync(root: string, beganMs: number, workspace: Workspace): void {
  const path = join(root, SYNCED_FILE);
  if (!isPresent(path)) workspace.createFile(path, "");
  utimesSync(path, beganMs / 1000, beganMs / 1000);
}

/** sha256 only: the native core writes and pulls no other. */
async function blobsSince(layout: OciLayout, sinceMs: number): Promise<readonly Digest[]> {
  const directory = join(layout.root, "blobs", "sha256");
  const found: Digest[] = [];
  for (const name of await readdir(directory)) {
    const digest = `sha256:${name}`;
    if (isDigest(digest) && (await stat(join(directory, name))).mtimeMs >= sinceMs) found.push(digest);
  }
  return found;
}
