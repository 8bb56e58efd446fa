import { statfsSync } from "node:fs";
import { lacking, type MachineCheck, ok } from "./check.ts";
import { readText } from "./facts.ts";

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

/** proc_pid_mountinfo(5): the last of the mounts whose place is the longest that holds the directory. */
function filesystemOf(directory: string): string | undefined {
  let best: { readonly place: string; readonly type: string } | undefined;
  for (const line of (readText("/proc/self/mountinfo") ?? "").split("\n")) {
    const place = line.split(" ")[4] ?? "";
    const type = / - (\S+) /.exec(line)?.[1];
    const isAround = place === "/" || directory === place || directory.startsWith(`${place}/`);
    if (type !== undefined && isAround && place.length >= (best?.place.length ?? 0)) best = { place, type };
  }
  return best?.type;
}
