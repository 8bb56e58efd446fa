import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FileLock, tryLockFile } from "../runtime-core/index.ts";

const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 100;

/** Runs `work` while no other process, and no one else in this one, holds the lock at `path`. A dead holder's lock is free. */
export async function withFileLock<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = await acquire(path, signal);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Removes the files in `directory` whose lock nobody holds: a process that was killed could not. */
export function sweepLocks(directory: string): void {
  for (const name of readdirSync(directory)) tryLockFile(join(directory, name))?.release();
}

async function acquire(path: string, signal: AbortSignal): Promise<FileLock> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    const lock = tryLockFile(path);
    if (lock !== undefined) return lock;
    await sleep(waitMs, undefined, { signal });
  }
}
