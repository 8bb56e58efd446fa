import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { errnoName } from "./errors.ts";

// The store's records are small and many. They are read and written in place: a trip to the thread pool costs ten times
// what the call itself does, and a build makes hundreds.

/** The text of a small file, or undefined when there is none. */
export function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Writes `path` through `temporary`: it holds the old content or the new, never a part. */
export function replaceSmallFile(path: string, content: string, temporary: string): void {
  withTemporary(temporary, content, () => renameSync(temporary, path));
}

/** Writes `path` through `temporary` where there is nothing yet; false, and nothing done, where there is. */
export function createSmallFile(path: string, content: string, temporary: string): boolean {
  return withTemporary(temporary, content, () => {
    const isCreated = tryLink(temporary, path);
    rmSync(temporary);
    return isCreated;
  });
}

/** Whether there is something at `path`. */
export function isPresent(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The names in a directory; none where it is not there. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** True when the path is not there, or a file stands where a directory should. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoName(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

function withTemporary<T>(temporary: string, content: string, publish: () => T): T {
  try {
    writeFileSync(temporary, content, { flag: "wx" });
    return publish();
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoName(error) === "EEXIST") return false;
    throw error;
  }
}
