import { join } from "node:path";
import { cacheRecordPath, cacheUseName, cacheUsesPath } from "../cache-mounts.ts";
import { namesIn, readSmallFile } from "../small-file.ts";
import { directoryTimes, type StoredTimes } from "./stored-times.ts";

/** An instance of a cache of RUN. */
export interface StoredCache extends StoredTimes {
  /** By which it is in use. */
  readonly id: string;
  readonly directory: string;
  /** Goes with it. */
  readonly lockPath: string;
  readonly description: string;
}

/** Every cache of RUN in the store at `root`. */
export function listCaches(root: string): readonly StoredCache[] {
  const folder = join(root, "mounts");
  return namesIn(folder).flatMap((key) => {
    const parent = join(folder, key);
    const numbers = namesIn(parent).filter((name) => /^\d+$/.test(name));
    return numbers.flatMap((number) => readCache(parent, key, number));
  });
}

function readCache(parent: string, key: string, number: string): readonly StoredCache[] {
  const directory = join(parent, number);
  const times = directoryTimes(directory, cacheRecordPath(directory), cacheUsesPath(directory));
  if (times === undefined) return [];
  const lockPath = join(parent, `${number}.lock`);
  const description = descriptionOf(readSmallFile(cacheRecordPath(directory)));
  return [{ id: cacheUseName(key, number), directory, lockPath, description, ...times }];
}

function descriptionOf(text: string | undefined): string {
  try {
    const { description } = JSON.parse(text ?? "{}") as { readonly description?: unknown };
    return typeof description === "string" ? description : "cached mount";
  } catch {
    return "cached mount";
  }
}
