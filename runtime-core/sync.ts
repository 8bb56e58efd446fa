import { RuntimeError } from "./errors.ts";
import { binding, callNative, nativeFailure } from "./native.ts";

/** An exclusive lock between processes. The kernel releases it when its process ends, however it ends. flock(2). */
export interface FileLock {
  /** Removes the file and lets the next one in. A second call does nothing. */
  release(): void;
}

/** Takes the lock at `path`, creating the file; undefined while another holds it, in this process or in any other. */
export function tryLockFile(path: string): FileLock | undefined {
  try {
    return binding().FileLock.tryAcquire(path) ?? undefined;
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : new RuntimeError(failure);
  }
}

/** Writes out everything that was changed on the filesystem of `path` before the call. syncfs(2). */
export async function syncFilesystem(path: string): Promise<void> {
  await callNative((native) => native.syncFilesystem(path));
}
