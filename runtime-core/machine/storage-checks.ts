import { statfsSync } from "node:fs";
import { lacking, type MachineCheck, ok } from "./check.ts";
import { filesystemOf } from "./filesystem.ts";

const GIB = 1024 ** 3;
/** A base image and a few layers of it. */
const LITTLE_SPACE = 2 * GIB;

/** Where layers are kept: the filesystem of `directory`, and what is free on it. */
export function storageChecks(directory: string): readonly MachineCheck[] {
  const { bavail, bsize, files, ffree } = statfsSync(directory);
  const free = bavail * bsize;
  const kind = filesystemOf(directory);
  const detail = `${(free / GIB).toFixed(1)} GiB free at ${directory}${kind === undefined ? "" : ` (${kind})`}`;
  const remedy = "free some space, or put the store elsewhere with --store or TSBUILD_STORE";
  const check = ["store.space", "store"] as const;
  if (free < LITTLE_SPACE) return [lacking("limited", check, detail, remedy)];
  if (files > 0 && ffree < 10_000)
    return [lacking("limited", check, `${detail}, and ${ffree} files can be made`, remedy)];
  return [ok(...check, detail)];
}
