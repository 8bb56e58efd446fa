import { existsSync, readFileSync } from "node:fs";
import { getSystemErrorMap } from "node:util";

/** What the kernel tells of this process, read once. */
export interface Facts {
  readonly uid: number;
  /** capabilities(7): the effective set. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** seccomp(2): filters are installed on this process. */
  readonly isFiltered: boolean;
  /** Root of a user namespace rather than of the machine. */
  readonly isInUserNamespace: boolean;
  /** Places in /proc that something is mounted on: a container hides what is there. */
  readonly maskedProc: readonly string[];
  readonly isContainer: boolean;
}

export const CAP_SYS_CHROOT = 18;
export const CAP_SYS_ADMIN = 21;
export const CAP_MKNOD = 27;

/** proc_pid_status(5), proc_pid_mountinfo(5), user_namespaces(7). What cannot be read counts as absent. */
export function readFacts(): Facts {
  const status = readText("/proc/self/status") ?? "";
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)$`, "m").exec(status)?.[1];
  return {
    uid: process.geteuid?.() ?? -1,
    capabilities: BigInt(`0x${field("CapEff") ?? "0"}`),
    noNewPrivileges: field("NoNewPrivs") === "1",
    isFiltered: field("Seccomp") === "2",
    isInUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(readText("/proc/self/uid_map") ?? "0 0 4294967295"),
    maskedProc: maskedPlaces(),
    isContainer: isContainer(),
  };
}

/** Whether the effective set has a capability. */
export function has({ capabilities }: Facts, capability: number): boolean {
  return ((capabilities >> BigInt(capability)) & 1n) === 1n;
}

/** Read from /proc/self/mountinfo: the fifth field is where something is mounted. */
function maskedPlaces(): readonly string[] {
  const places = (readText("/proc/self/mountinfo") ?? "").split("\n").map((line) => line.split(" ")[4] ?? "");
  return [...new Set(places.filter((place) => place.startsWith("/proc/") && place !== "/proc/sys/fs/binfmt_misc"))];
}

/** The marks of docker, podman, systemd-nspawn and Kubernetes. */
function isContainer(): boolean {
  const marks = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
  return marks.some((path) => existsSync(path)) || process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** `EPERM (operation not permitted)`. */
export function errnoText(errno: number): string {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, ""];
  return text === "" ? name : `${name} (${text})`;
}
