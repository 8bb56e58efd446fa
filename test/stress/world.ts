import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What tsbuild could leave on a machine, a line each. */
export interface World {
  /** The processes of this pid namespace: it was made for this test, so they are its own. */
  readonly processes: readonly string[];
  /** The mounts of this mount namespace. */
  readonly mounts: readonly string[];
  /** Step cgroups, of any hierarchy, whose builders belong to this pid namespace. */
  readonly cgroups: readonly string[];
  /** What lies in the folders that were asked for. */
  readonly files: readonly string[];
}

export type Kind = keyof World;

/** Must be called in namespaces of its own, of pids and of mounts, with a /proc of them. `folders` should be empty when all is over. */
export function lookAround(folders: readonly string[]): World {
  return { processes: processes(), mounts: mounts(), cgroups: cgroups(), files: folders.flatMap(filesIn) };
}

/**
 * Waits until nothing is there that was not there `before`, of the kinds that are asked for: the kernel takes a moment to free
 * what has ended. Throws with what is left after five seconds. A namespace lives as long as a process, a mount or a descriptor
 * of it, so none is left when these are gone.
 */
export async function expectNothingLeft(
  before: World,
  folders: readonly string[],
  kinds: readonly Kind[] = KINDS,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const left = leftSince(before, lookAround(folders), kinds);
    if (left.length === 0) return;
    if (tries === 200) throw new Error(`left behind:\n${left.join("\n")}`);
    await sleep(25);
  }
}

const KINDS: readonly Kind[] = ["processes", "mounts", "cgroups", "files"];

function leftSince(before: World, now: World, kinds: readonly Kind[]): string[] {
  return kinds.flatMap((kind) =>
    now[kind].filter((line) => !before[kind].includes(line)).map((line) => `${kind}: ${line}`),
  );
}

function processes(): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Ended, and given to this namespace's init, which is Node and reaps no strangers.
    if (stat === "" || (state === "Z" && parent === "1")) return [];
    return [`${pid} ${state} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`];
  });
}

function mounts(): string[] {
  return read("/proc/self/mountinfo").split("\n").filter(Boolean);
}

/** A step's cgroup has the inode number of its builder's pid namespace in front. */
function cgroups(): string[] {
  const prefix = `${statSync("/proc/self/ns/pid").ino}-`;
  const roots = mounts().filter((line) => / - cgroup2? /.test(line));
  return roots
    .flatMap((line) => directoriesBelow(line.split(" ")[4] ?? "", 8))
    .filter((path) => path.includes(`/${prefix}`));
}

function directoriesBelow(directory: string, depth: number): string[] {
  if (depth === 0) return [];
  return subdirectories(directory).flatMap((path) => [path, ...directoriesBelow(path, depth - 1)]);
}

function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
  } catch {
    // Gone meanwhile: cgroups of others come and go.
    return [];
  }
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
