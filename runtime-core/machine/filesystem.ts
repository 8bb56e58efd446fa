import { statfsSync } from "node:fs";
import { readText } from "./facts.ts";

/** ext4, xfs, btrfs, tmpfs, f2fs, by their numbers in linux/magic.h. */
const OVERLAY_WRITES_TO = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010]);

/** Whether overlayfs may refuse to write to the filesystem of `directory`; a build then tries that first. */
export function mayRefuseOverlay(directory: string): boolean {
  return !OVERLAY_WRITES_TO.has(statfsSync(directory).type);
}

/** The kind of filesystem that `directory` lies on. proc_pid_mountinfo(5): the last of the mounts at the longest place around it. */
export function filesystemOf(directory: string): string | undefined {
  let best: { readonly place: string; readonly type: string } | undefined;
  for (const line of (readText("/proc/self/mountinfo") ?? "").split("\n")) {
    const place = line.split(" ")[4] ?? "";
    const type = / - (\S+) /.exec(line)?.[1];
    const isAround = place === "/" || directory === place || directory.startsWith(`${place}/`);
    if (type !== undefined && isAround && place.length >= (best?.place.length ?? 0)) best = { place, type };
  }
  return best?.type;
}
