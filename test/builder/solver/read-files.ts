import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The files of one directory, by name. */
export async function readFiles(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const)),
  );
}
