import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { commandOutput } from "./command.ts";

/**
 * Everything below a directory, a line a file in name order: `/bin/sh link 777 0:0 -> busybox`. A regular file shows its size and
 * sha256; a further name of one file shows the first instead. Times are left out, and so is the size of a directory.
 * `texts`: a short text is shown as it is, in JSON quotes, instead of its size and sha256.
 */
export function listTree(root: string, options: { readonly texts?: boolean } = {}): string[] {
  const firstNames = new Map<number, string>();
  const content = options.texts === true ? textOrDigest : sizeAndDigest;
  return paths(root, "").map((path) => `${path} ${describe(join(root, path), path, firstNames, content)}`);
}

/** The extended attributes of everything below a directory, a line each: `/bin/ping security.capability 0x01…`. Needs getfattr. */
export async function listAttributes(root: string): Promise<string[]> {
  const argv = [
    "getfattr",
    "--recursive",
    "--physical",
    "--no-dereference",
    "--dump",
    "--match=-",
    "--encoding=hex",
    ".",
  ];
  const files = (await commandOutput(argv, { cwd: root })).trim().split("\n\n");
  const lines = files.flatMap((text) => {
    const [name = "", ...attributes] = text.split("\n");
    return attributes.map((attribute) => `${name.replace(/^# file: /, "/")} ${attribute.replace("=", " ")}`);
  });
  return lines.sort();
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

function describe(
  file: string,
  path: string,
  firstNames: Map<number, string>,
  content: (bytes: Buffer) => string,
): string {
  const stats = lstatSync(file);
  const owner = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid}`;
  if (stats.isDirectory()) return `dir ${owner}`;
  if (stats.isSymbolicLink()) return `link ${owner} -> ${readlinkSync(file)}`;
  if (!stats.isFile()) return `node ${owner} type ${(stats.mode & 0o170000).toString(8)} device ${stats.rdev}`;
  const first = firstNames.get(stats.ino);
  if (first !== undefined) return `same file as ${first}`;
  firstNames.set(stats.ino, path);
  return `file ${owner} ${content(readFileSync(file))}`;
}

function sizeAndDigest(bytes: Buffer): string {
  return `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;
}

function textOrDigest(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const isText = bytes.length <= 2000 && Buffer.from(text).equals(bytes);
  return isText ? JSON.stringify(text) : sizeAndDigest(bytes);
}
