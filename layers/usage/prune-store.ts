import { mkdirSync, renameSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, Digest } from "../../registry-client/index.ts";
import { type FileLock, removeTree, tryHoldFile } from "../../runtime-core/index.ts";
import { errnoName, withLayerErrors } from "../errors.ts";
import { isAbsent } from "../small-file.ts";
import type { Store } from "../store.ts";
import { pruneLockPath } from "../store-uses.ts";
import { readContents, type StoreContents } from "./list-things.ts";
import { measureTrees } from "./measure.ts";
import { type PrunePlan, planPrune, type Removal } from "./prune-plan.ts";
import type { PrunePolicy } from "./prune-policy.ts";
import type { UsageRecord } from "./usage-record.ts";

const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 100;

export interface PruneStoreOptions extends PrunePolicy, CallOptions {
  /** Says what would be removed, and removes nothing. */
  readonly dryRun?: boolean;
}

export interface PruneResult {
  /** What is gone, in the order in which it went. */
  readonly removed: readonly UsageRecord[];
  readonly reclaimedBytes: number;
  /** What the store still keeps. */
  readonly leftBytes: number;
}

/**
 * Removes what the policy names and nothing that is in use, beside any number of builds and other prunes.
 *
 * All is moved out of sight while this process holds the prune lock, in one go; builds that note a use wait for it, about half
 * a millisecond for each snapshot of the store, and make again what they then find gone. What names a thing goes before the thing:
 * a process that is killed at any moment leaves a store in which everything that is named is whole. The files are deleted after
 * that; what a killed process has not deleted, the next that opens the store does.
 */
export async function pruneStore(store: Store, options: PruneStoreOptions): Promise<PruneResult> {
  return await withLayerErrors(async () => {
    const sizes = await measureTrees(readContents(store.root).things, store, options);
    const plan = (contents: StoreContents): PrunePlan =>
      planPrune(contents, options, { sizes, nowMs: Date.now(), freeBytes: freeBytes(store.root) });
    if (options.dryRun === true) return resultOf(plan(readContents(store.root)));
    const trash = store.workspace.path();
    const made = await whileLocked(store, options, () => {
      const contents = readContents(store.root);
      const made = plan(contents);
      moveAway(made, contents, trash);
      return made;
    });
    await removeTree(trash);
    return resultOf(made);
  });
}

/** `work` waits for nothing: uses that this very process notes would wait for it. */
async function whileLocked<T>(store: Store, { signal }: CallOptions, work: () => T): Promise<T> {
  const lock = await acquire(pruneLockPath(store.root), signal);
  try {
    return work();
  } finally {
    lock.release();
  }
}

async function acquire(path: string, signal: AbortSignal | undefined): Promise<FileLock> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal?.throwIfAborted();
    const lock = tryHoldFile(path, false);
    if (lock !== undefined) return lock;
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Moves all that is removed into the directory `trash`, which is made. */
function moveAway({ removals }: PrunePlan, { blobs, staleReferences }: StoreContents, trash: string): void {
  mkdirSync(trash);
  for (const path of staleReferences) rmSync(path, { force: true });
  let count = 0;
  for (const { thing, blobs: freed } of removals) {
    for (const path of thing.references) rmSync(path, { force: true });
    const paths = [...thing.trees, ...freed.flatMap((digest: Digest) => blobs.get(digest)?.path ?? [])];
    for (const path of paths) moveTo(join(trash, String(count++)), path);
    if (thing.lockPath !== undefined) removeLock(thing.lockPath);
  }
}

function moveTo(place: string, path: string): void {
  try {
    renameSync(path, place);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** The lock of a cache whose files are gone, unless somebody waits to fill it anew, and the directory if it was the last in it. */
function removeLock(path: string): void {
  const lock = tryHoldFile(path, false);
  if (lock === undefined) return;
  rmSync(path, { force: true });
  lock.release();
  try {
    rmdirSync(dirname(path));
  } catch (error) {
    if (errnoName(error) !== "ENOTEMPTY" && !isAbsent(error)) throw error;
  }
}

function resultOf({ removals, freedBytes, leftBytes }: PrunePlan): PruneResult {
  return {
    removed: removals.map(({ record }: Removal) => record),
    reclaimedBytes: freedBytes,
    leftBytes,
  };
}

/** Bytes that an ordinary process may still write. statfs(2). */
function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
