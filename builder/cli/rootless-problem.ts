import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { BuildError } from "../errors.ts";

/** What keeps a user from building, and the way out. */
export interface Problem {
  readonly missing: string;
  readonly hint: string;
}

/**
 * Finds out why a user namespace with subordinate ids could not be had. `told` is what unshare(1) said.
 * Returns BuildError ROOTLESS_UNAVAILABLE.
 */
export function rootlessProblem(told: string, env: NodeJS.ProcessEnv): BuildError {
  const { missing, hint } = findProblem(told, env);
  const cause = new Error(told.trim().split("\n")[0]);
  return new BuildError("ROOTLESS_UNAVAILABLE", `an ordinary user cannot build here: ${missing}`, { hint, cause });
}

/** Why a user has a single id, where a namespace with that could be had. `told` is what unshare(1) said of one with more. */
export function singleIdProblem(told: string, env: NodeJS.ProcessEnv): Problem {
  return lackOfIds(told, env) ?? withoutNewPrivileges() ?? notSetuid(env) ?? refusedIds(told);
}

function findProblem(told: string, env: NodeJS.ProcessEnv): Problem {
  return lackOfIds(told, env) ?? forbiddenByKernel() ?? withoutNewPrivileges() ?? forbidden();
}

function lackOfIds(told: string, env: NodeJS.ProcessEnv): Problem | undefined {
  return missingProgram(told, env) ?? missingUser() ?? missingIds();
}

const PACKAGES = { unshare: "util-linux", newuidmap: "uidmap", newgidmap: "uidmap" } as const;

function missingProgram(told: string, env: NodeJS.ProcessEnv): Problem | undefined {
  for (const [program, name] of Object.entries(PACKAGES)) {
    if (!isInPath(program, env)) return { missing: `${program} is missing`, hint: `apt-get install ${name}` };
  }
  if (!told.includes("unrecognized option")) return undefined;
  return { missing: "unshare does not know --map-auto", hint: "install util-linux 2.38 or newer" };
}

function isInPath(program: string, env: NodeJS.ProcessEnv): boolean {
  return pathOf(program, env) !== undefined;
}

function pathOf(program: string, env: NodeJS.ProcessEnv): string | undefined {
  const paths = (env["PATH"] ?? "").split(":").map((directory) => join(directory, program));
  return paths.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missingUser(): Problem | undefined {
  if (userName() !== undefined) return undefined;
  return {
    missing: `uid ${process.getuid?.()} is not in /etc/passwd`,
    hint: "subordinate ids are given to named users",
  };
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

/** subuid(5), subgid(5): `name-or-uid:first:count`. */
function missingIds(): Problem | undefined {
  const name = userName();
  const files = ["/etc/subuid", "/etc/subgid"].map((path) => ({ path, entries: idRanges(path) }));
  const owners = [name, `${process.getuid?.()}`];
  const without = files.filter(({ entries }) => !entries.some(({ owner }) => owners.includes(owner)));
  if (without.length === 0) return undefined;
  const free = Math.max(100_000, ...files.flatMap(({ entries }) => entries.map(({ end }) => end)));
  const range = `${free}-${free + 65_535}`;
  const flags = without.map(({ path }) => (path === "/etc/subuid" ? "--add-subuids" : "--add-subgids"));
  return {
    missing: `${without.map(({ path }) => path).join(" and ")} ${without.length > 1 ? "have" : "has"} no ids for ${name}`,
    hint: `as root: usermod ${flags.map((flag) => `${flag} ${range}`).join(" ")} ${name}`,
  };
}

function idRanges(path: string): { readonly owner: string; readonly end: number }[] {
  const lines = (readText(path) ?? "").split("\n").map((line) => line.split(":"));
  return lines.flatMap(([owner = "", first, count]) => {
    const end = Number(first) + Number(count);
    return Number.isSafeInteger(end) ? [{ owner, end }] : [];
  });
}

/** What forbids ordinary users a namespace: a sysctl, the value that does, and the value that does not. */
const SWITCHES: readonly { readonly name: string; readonly off: RegExp; readonly on: string }[] = [
  { name: "user.max_user_namespaces", off: /^0$/m, on: "15000" },
  { name: "kernel.unprivileged_userns_clone", off: /^0$/m, on: "1" },
  { name: "kernel.apparmor_restrict_unprivileged_userns", off: /^[12]$/m, on: "0" },
];

function forbiddenByKernel(): Problem | undefined {
  for (const { name, off, on } of SWITCHES) {
    const value = readText(join("/proc/sys", name.replace(".", "/")))?.trim() ?? "";
    if (!off.test(value)) continue;
    return {
      missing: `the kernel forbids user namespaces (${name} is ${value})`,
      hint: `as root: sysctl ${name}=${on}`,
    };
  }
  return undefined;
}

/** PR_SET_NO_NEW_PRIVS(2const). */
function withoutNewPrivileges(): Problem | undefined {
  if (!/^NoNewPrivs:\s*1$/m.test(readText("/proc/self/status") ?? "")) return undefined;
  return { missing: "no_new_privs takes newuidmap its rights", hint: "start tsbuild without no_new_privs" };
}

/** inode(7): S_ISUID. */
const SETUID = 0o4000;

/** Only after these have failed: with file capabilities they need no such bit. */
function notSetuid(env: NodeJS.ProcessEnv): Problem | undefined {
  const paths = ["newuidmap", "newgidmap"].flatMap((program) => pathOf(program, env) ?? []);
  const without = paths.filter((path) => (statSync(path).mode & SETUID) === 0);
  if (without.length === 0) return undefined;
  const are = without.length > 1 ? "are" : "is";
  return {
    missing: `${without.join(" and ")} ${are} not setuid root`,
    hint: `as root: chown root ${without.join(" ")} && chmod u+s ${without.join(" ")}`,
  };
}

function refusedIds(told: string): Problem {
  return {
    missing: `newuidmap and newgidmap gave no ids: ${told.trim().split("\n")[0]}`,
    hint: "the ranges in /etc/subuid and /etc/subgid must be mapped where this process runs, as in a container they may not be",
  };
}

function forbidden(): Problem {
  return {
    missing: "a user namespace could not be set up",
    hint: "in a container, its seccomp profile may forbid it; newuidmap and newgidmap must be setuid root",
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
