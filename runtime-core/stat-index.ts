import type { StatIndex } from "#binding";
import { binding, callNative } from "./native.ts";

export type { StatIndex };

/**
 * What the files of one context hold, kept in the file `path` between builds: a file whose device, inode, size, times and mode are
 * as they were is not read again. Nothing is read yet; a file that is missing or damaged knows nothing.
 */
export function openStatIndex(path: string): StatIndex {
  return new (binding().StatIndex)(path);
}

/** Writes what is known through `temporary`, by rename, when something is new: whether it was written. Throws NO_SPACE, IO. */
export async function saveStatIndex(index: StatIndex, temporary: string): Promise<boolean> {
  return callNative(() => index.save(temporary));
}
