import { randomBytes } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type FileLock, removeTree, tryLockFile } from "../runtime-core/index.ts";
import { createSmallFile, replaceSmallFile } from "./small-file.ts";

/** Of the lock file beside a workspace. */
export const LOCK_SUFFIX = ".lock";

/**
 * The directory of one process for what is not finished yet, on the store's filesystem: things move from here to their
 * final names by rename. A lock that ends with the process marks it as alive, so that what a killed process leaves is
 * found and removed by the next one, in whatever pid namespace either runs.
 */
export class Workspace {
  /** Absolute where `open` was given such a path. */
  readonly root: string;
  readonly #lock: FileLock;
  #count = 0;

  private constructor(root: string, lock: FileLock) {
    this.root = root;
    this.#lock = lock;
  }

  /** Opens a workspace in `directory`, after removing those of dead processes. */
  static async open(directory: string): Promise<Workspace> {
    await mkdir(directory, { recursive: true });
    await sweep(directory);
    for (;;) {
      const root = join(directory, randomName());
      const lock = tryLockFile(root + LOCK_SUFFIX);
      if (lock === undefined) continue;
      await mkdir(root, { mode: 0o700 });
      return new Workspace(root, lock);
    }
  }

  /** The file that is locked while the process lives. What it holds is another's matter: it goes with the workspace. */
  get lockPath(): string {
    return this.root + LOCK_SUFFIX;
  }

  /** A path that nothing has yet. */
  path(): string {
    this.#count += 1;
    return join(this.root, this.#count.toString(36));
  }

  /** Writes a small file by temp + rename: it holds the old content or the new, never a part. */
  replaceFile(path: string, content: string): void {
    replaceSmallFile(path, content, this.path());
  }

  /** Writes a small file where there is nothing yet; false, and nothing done, where there is. */
  createFile(path: string, content: string): boolean {
    return createSmallFile(path, content, this.path());
  }

  /** Removes the workspace with all that is in it. */
  async close(): Promise<void> {
    await removeTree(this.root);
    this.#lock.release();
  }
}

/** A name of ten characters, 51 random bits: short, because overlayfs takes all layers of a mount in 4096 bytes. */
export function randomName(): string {
  const value = randomBytes(8).readBigUInt64BE() % 36n ** 10n;
  return value.toString(36).padStart(10, "0");
}

/** A workspace is created lock first and removed lock last: a directory whose lock is free has no owner. */
async function sweep(directory: string): Promise<void> {
  const names = await readdir(directory);
  const owners = new Set(names.map((name) => (name.endsWith(LOCK_SUFFIX) ? name.slice(0, -LOCK_SUFFIX.length) : name)));
  for (const owner of owners) {
    const root = join(directory, owner);
    const lock = tryLockFile(root + LOCK_SUFFIX);
    if (lock === undefined) continue;
    try {
      await removeTree(root);
    } finally {
      lock.release();
    }
  }
}
