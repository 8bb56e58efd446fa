import { RuntimeError } from "./errors.ts";
import { binding, callNative, nativeFailure } from "./native.ts";

/** A lock between processes. The kernel releases it when its process ends, however it ends. flock(2). */
export interface FileLock {
  /** Lets the next one in. A second call does nothing. */
  release(): void;
}

/** Takes the lock at `path` alone, creating the file, which goes with it; undefined while another holds it, in this process or in any other. */
export function tryLockFile(path: string): FileLock | undefined {
  return translated(() => binding().FileLock.tryAcquire(path) ?? undefined);
}

/**
 * The same with a file that stays when the lock is released. `shared`: any number hold it at once, and none while another has
 * it alone.
 */
export function tryHoldFile(path: string, shared: boolean): FileLock | undefined {
  return translated(() => binding().FileLock.tryHold(path, shared) ?? undefined);
}

/** Names of what a process uses, in a file that those who remove things read: see `openUseLog`. */
export interface UseLog {
  /** Adds a line. Waits, and this thread with it, while the lock is held alone. */
  add(name: string): void;
}

/**
 * Appends to `path`, each time with the lock at `lockPath` shared. Whoever removes things takes that lock alone (`tryHoldFile`),
 * reads the files of all, and removes what none names: a name is kept from then on, or its user finds it gone.
 */
export function openUseLog(lockPath: string, path: string): UseLog {
  return translated(() => {
    const log = binding().UseLog.open(lockPath, path);
    return { add: (name) => translated(() => log.add(name)) };
  });
}

/** Sets the times of `path` to now, and makes the file `counter` a byte longer. What is not there stays so. */
export function noteUse(path: string, counter?: string): void {
  translated(() => binding().noteUse(path, counter));
}

/** Writes out everything that was changed on the filesystem of `path` before the call. syncfs(2). */
export async function syncFilesystem(path: string): Promise<void> {
  await callNative((native) => native.syncFilesystem(path));
}

function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : new RuntimeError(failure);
  }
}
