import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

/**
 * Names of locks and temporary files carry the process that made them, so that another can tell what a killed one left
 * behind: `<pid namespace>-<pid>-<start time>-<random>`.
 */
export function ownedName(): string {
  return `${self.namespace}-${self.pid}-${self.startTime}-${randomBytes(8).toString("hex")}`;
}

/** Who made a name; undefined for a name that is not one of ours. */
export function parseOwner(name: string): Owner | undefined {
  const match = /^([a-z0-9]+)-(\d+)-(\d+)-[a-f0-9]{16}$/.exec(name);
  if (!match) return undefined;
  return { namespace: match[1] ?? "", pid: Number(match[2]), startTime: match[3] ?? "" };
}

export interface Owner {
  readonly namespace: string;
  readonly pid: number;
  readonly startTime: string;
}

/** Whether the maker still runs; "unknown" when it lives in a pid namespace that we cannot see. */
export function ownerState(owner: Owner): "alive" | "dead" | "unknown" {
  if (owner.namespace !== self.namespace) return "unknown";
  if (owner.pid === self.pid) return owner.startTime === self.startTime ? "alive" : "dead";
  if (!isRunning(owner.pid)) return "dead";
  const startTime = processStartTime(owner.pid);
  return startTime === "0" || startTime === owner.startTime ? "alive" : "dead";
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** proc_pid_stat(5), field 22: ticks since boot. A pid that is used again has another. "0" where there is no /proc. */
function processStartTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return "0";
  }
}

/** pid_namespaces(7): pids mean something only inside one namespace and one boot. */
function pidNamespace(): string {
  try {
    const namespace = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").replaceAll("-", "").slice(0, 12);
    return `${namespace}b${boot}`;
  } catch {
    return "host";
  }
}

const self: Owner = { namespace: pidNamespace(), pid: process.pid, startTime: processStartTime(process.pid) };
