import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { lacking, type MachineCheck, ok } from "./check.ts";
import type { Facts } from "./facts.ts";

interface Program {
  readonly name: string;
  /** Debian's package. */
  readonly package: string;
  /** Without it: what fails. */
  readonly need: string;
  /** Only ordinary users need it, to be root of a user namespace. */
  readonly isForUsers?: boolean;
}

const PROGRAMS: readonly Program[] = [
  { name: "unshare", package: "util-linux", need: "an ordinary user cannot build", isForUsers: true },
  { name: "newuidmap", package: "uidmap", need: "builds have a single id", isForUsers: true },
  { name: "newgidmap", package: "uidmap", need: "builds have a single id", isForUsers: true },
  { name: "git", package: "git", need: "contexts and ADD from git repositories fail" },
  { name: "ssh", package: "openssh-client", need: "git repositories over ssh fail" },
];

/** Programs of the machine that builds start. */
export function programChecks(facts: Facts): readonly MachineCheck[] {
  return PROGRAMS.filter(({ isForUsers }) => isForUsers !== true || facts.uid !== 0).map((program) => {
    const check = [`programs.${program.name}`, program.name] as const;
    const path = pathOf(program.name);
    if (path !== undefined) return ok(...check, path);
    const state = program.name === "unshare" ? "missing" : "limited";
    return lacking(state, check, `not in PATH: ${program.need}`, `apt-get install ${program.package}`);
  });
}

function pathOf(program: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(":").filter((directory) => directory !== "");
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
