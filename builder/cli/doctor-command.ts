import { accessSync, constants, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { limitChecks, type MachineCheck, probe, type SandboxCapabilities } from "../../runtime-core/index.ts";
import { defaultStore } from "../store-location.ts";
import { DOCTOR_FLAGS } from "./doctor-flags.ts";
import { doctorText } from "./doctor-text.ts";
import { parseFlags } from "./flags.ts";
import { doctorHelp } from "./help.ts";
import { insideUserNamespace } from "./rootless.ts";
import type { Problem } from "./rootless-problem.ts";
import { UsageError } from "./usage-error.ts";

/**
 * `tsbuild doctor`: what this machine allows, each with its remedy. Returns 0 when RUN steps can run, with or without
 * `--isolation chroot`, else 1.
 */
export async function doctorCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, DOCTOR_FLAGS);
  if (flags.isSet("help")) {
    process.stdout.write(doctorHelp());
    return 0;
  }
  const [stray] = flags.positionals;
  if (stray !== undefined) throw new UsageError("TOO_MANY_ARGUMENTS", `doctor takes no argument: ${stray}`);
  const report = await examine(resolve(flags.text("store") ?? defaultStore()));
  process.stdout.write(flags.isSet("json") ? `${JSON.stringify(report, null, 2)}\n` : doctorText(report));
  return report.isolation === "none" ? 1 : 0;
}

/** An ordinary user's builds happen in a user namespace: whether a sandbox can be had is looked at there. */
async function examine(store: string): Promise<SandboxCapabilities> {
  const directory = writableDirectory(store);
  const found = probe(directory);
  if (process.geteuid?.() === 0) return { ...found, checks: [...found.checks, ...(await limitChecks(directory))] };
  const inside = insideUserNamespace(["doctor", "--json", "--store", store], process.env);
  if (inside.problem !== undefined) return without(found, inside.problem);
  const merged = merge(found, JSON.parse(inside.stdout));
  return {
    ...merged,
    checks: merged.checks.map((check) => (check.id === "ids" ? explained(check, inside.singleId) : check)),
  };
}

/** What depends on the sandbox, and so on where it is looked at. */
const OF_THE_SANDBOX = ["ids", "overlay", "idmap", "cgroup", "network", "sandbox", "chroot"];

function isOfTheSandbox(id: string): boolean {
  return OF_THE_SANDBOX.includes(id) || id.startsWith("limits.");
}

/** Inside only the number of ids can be seen, and outside what took the others. */
function explained(check: MachineCheck, singleId: Problem | undefined): MachineCheck {
  if (singleId === undefined) return check;
  return { ...check, detail: `${check.detail}: ${singleId.missing}`, remedy: singleId.hint };
}

function merge(outside: SandboxCapabilities, inside: SandboxCapabilities): SandboxCapabilities {
  const own = outside.checks.filter(({ id }) => !isOfTheSandbox(id));
  return { ...inside, checks: [...own, ...inside.checks.filter(({ id }) => isOfTheSandbox(id))] };
}

function without(
  found: SandboxCapabilities,
  problem: Error & { readonly hint?: string | undefined },
): SandboxCapabilities {
  const remedy = problem.hint ?? "change what is missing above";
  const check = { id: "sandbox", name: "sandbox", state: "missing", detail: problem.message, remedy } as const;
  const checks = [...found.checks.filter(({ id }) => !isOfTheSandbox(id)), check];
  return { ...found, available: false, chroot: false, isolation: "none", problems: [problem.message], checks };
}

/** Where the store lies, or will lie once it is made. */
function writableDirectory(path: string): string {
  if (!existsSync(path)) return dirname(path) === path ? tmpdir() : writableDirectory(dirname(path));
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return path;
  } catch {
    return tmpdir();
  }
}
