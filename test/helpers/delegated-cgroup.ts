import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SLOWDOWN } from "./slowdown.ts";

/** What an administrator gives to an ordinary user, for limits: a part of each cgroup hierarchy. cgroups(7), "Cgroups delegation". */
export interface DelegatedCgroup {
  /** A shell script that moves its own process there. Root's to run, before it becomes the user. */
  readonly join: string;
  /** Takes the cgroups away, once no process is in them. */
  remove(): Promise<void>;
}

const CONTROLLERS = ["memory", "pids", "cpu", "cpuset", "io", "blkio"];
/** What the kernel lets a user write below a directory that is the user's: cgroups(7). */
const V1_FILES = ["tasks", "cgroup.procs"];
const V2_FILES = ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"];

/** Delegates a cgroup of each version that has controllers here to user `uid`. Needs root. Where there is none, the script is empty. */
export function delegateCgroup(uid: number): DelegatedCgroup {
  const name = `tsbuild-test-${process.pid}`;
  const [unified, ...v1] = [unifiedParent(), ...hierarchies()];
  const made = v1.map((parent) => makeV1(join(parent, name), uid));
  if (made.length === 0 && unified !== undefined) made.push(makeV2(join(unified, name), uid));
  return {
    join: made.map(({ procs }) => `echo $$ > ${procs}`).join("\n"),
    remove: async () => {
      for (const { directory } of made) await removeTree(directory);
    },
  };
}

interface Made {
  readonly directory: string;
  readonly procs: string;
}

function makeV1(directory: string, uid: number): Made {
  mkdirSync(directory);
  // A cpuset has no cores and no memory until it is given some, and nothing can join it.
  for (const file of ["cpuset.cpus", "cpuset.mems"].filter((file) => existsSync(join(directory, file)))) {
    writeFileSync(join(directory, file), readFileSync(join(dirname(directory), file)));
  }
  if (existsSync(join(directory, "cpuset.cpus"))) writeFileSync(join(directory, "cgroup.clone_children"), "1");
  give(directory, V1_FILES, uid);
  return { directory, procs: join(directory, "cgroup.procs") };
}

/** As systemd does it for a user's manager: the user's processes are in a child, so that the directory can pass its controllers on. */
function makeV2(directory: string, uid: number): Made {
  const own = join(directory, "own");
  mkdirSync(own, { recursive: true });
  give(directory, V2_FILES, uid);
  give(own, V2_FILES, uid);
  return { directory, procs: join(own, "cgroup.procs") };
}

function give(directory: string, files: readonly string[], uid: number): void {
  for (const path of [directory, ...files.map((file) => join(directory, file))]) chownSync(path, uid, uid);
}

/** This process's directories in the hierarchies of version 1. */
function hierarchies(): string[] {
  const wanted = memberships().filter(({ controllers }) => controllers.some((name) => CONTROLLERS.includes(name)));
  return wanted.flatMap(({ controllers, path }) => {
    const mount = mountPoint("cgroup", controllers);
    return mount === undefined ? [] : [existsSync(join(mount, path)) ? join(mount, path) : mount];
  });
}

/** The nearest cgroup of version 2, from this process's upwards, that passes controllers on. */
function unifiedParent(): string | undefined {
  const mount = mountPoint("cgroup2", []);
  const own = memberships().find(({ controllers }) => controllers.length === 0)?.path;
  if (mount === undefined || own === undefined) return undefined;
  for (let at = join(mount, own); at.startsWith(mount); at = dirname(at)) {
    if (readFileSync(join(at, "cgroup.subtree_control"), "utf8").includes("memory")) return at;
  }
  return undefined;
}

/** /proc/self/cgroup: `number:controllers:path`. */
function memberships(): { readonly controllers: readonly string[]; readonly path: string }[] {
  const lines = readFileSync("/proc/self/cgroup", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, controllers = "", ...path] = line.split(":");
    return { controllers: controllers.split(",").filter((name) => name !== ""), path: path.join(":") };
  });
}

/** proc_pid_mountinfo(5). */
function mountPoint(type: string, controllers: readonly string[]): string | undefined {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const found = lines.find((line) => {
    const [kind, , options = ""] = line.split(" - ")[1]?.split(" ") ?? [];
    return kind === type && controllers.every((name) => options.split(",").includes(name));
  });
  return found?.split(" ")[4];
}

/** The kernel frees a cgroup shortly after its last process: EBUSY until then. */
async function removeTree(directory: string): Promise<void> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  }
  for (let tries = 50 * SLOWDOWN; ; tries--) {
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (tries === 0) throw error;
      await sleep(20);
    }
  }
}
