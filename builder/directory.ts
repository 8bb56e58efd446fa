import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";

/** What is at `path`, or undefined when there is nothing. Other failures are thrown: a path that may not be seen is not missing. */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Names in a directory, for suggestions: a directory that cannot be read has none. */
export async function readdirOrEmpty(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch {
    // Only a suggestion depends on it; the error that is being made says what matters.
    return [];
  }
}
