import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything below a directory, a line a file in name order: `/bin/sh link 777 0:0 -> busybox`. A regular file shows its size and
 * sha256; a further name of one file shows the first instead. Times are left out, and so is the size of a directory.
 */
export function listTree(root: string): string[] {
  const firstNames = new Map<number, string>();
  return paths(root, "").map((path) => `${path} ${describe(join(root, path), path, firstNames)}`);
}

/** `readdir` with `recursive` would walk into directories behind symlinks. */
function paths(root: string, directory: string): string[] {
  const entries = readdirSync(join(root, directory), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? [path, ...paths(root, path)] : [path];
  });
}

function describe(file: string, path: string, firstNames: Map<number, string>): string {
  const stats = lstatSync(file);
  const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
  if (stats.isDirectory()) return `dir ${owner}`;
  if (stats.isSymbolicLink()) return `link ${owner} -> ${readlinkSync(file)}`;
  if (!stats.isFile()) return `node ${owner} type ${(stats.mode & 0o170000).toString(8)} device ${stats.rdev}`;
  const first = firstNames.get(stats.ino);
  if (first !== undefined) return `same file as ${first}`;
  firstNames.set(stats.ino, path);
  return `file ${owner} ${stats.size} ${createHash("sha256").update(readFileSync(file)).digest("hex")}`;
}
