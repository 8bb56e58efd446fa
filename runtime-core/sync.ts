import { RuntimeError } from "./errors.ts";
import { binding, callNative, nativeFailure } from "./native.ts";

/** A lock between processes. The kernel releases it when its process ends, however it ends. flock(2). */
export interface FileLock {
  /** Lets the next one in. A second call does nothing. */
  release(): void;
}

/** Takes the lock at `path` alone, creating the file, which goes with it; undefined while another holds it, in this process or in any other. */
export function tryLockFile(path: string): FileLock | undefined {
  try {
    return binding().FileLock.tryAcquire(path) ?? undefined;
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : new RuntimeError(failure);
  }
}

/**
 * The same with a file that stays when the lock is released. `shared`: any number hold it at once, and none while another has
 * it alone.
 */
export function tryHoldFile(path: string, shared: boolean): FileLock | undefined {
  try {
    return binding().FileLock.tryHold(path, shared) ?? undefined;
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : new RuntimeError(failure);
  }
}

/** Writes out everything that was changed on the filesystem of `path` before the call. syncfs(2). */
export async function syncFilesystem(path: string): Promise<void> {
  await callNative((native) => native.syncFilesystem(path));
}
