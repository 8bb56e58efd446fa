import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOwnTempPath } from "./temp.ts";

/** What is mounted in this process's namespace, a line of proc_pid_mountinfo(5) each, but for what other tests mount meanwhile. */
export function mounts(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => !isOfAnotherTest(line.split(" ")[4] ?? ""));
}

function isOfAnotherTest(mountPoint: string): boolean {
  return mountPoint.startsWith(join(tmpdir(), "tsbuild-")) && !isOwnTempPath(mountPoint);
}
