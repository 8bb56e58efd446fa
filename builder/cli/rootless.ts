import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { replaceProcess } from "../../runtime-core/index.ts";
import type { BuildError } from "../errors.ts";
import { defaultStore } from "../store-location.ts";
import { type Problem, rootlessProblem, singleIdProblem } from "./rootless-problem.ts";
import { singleIdWarning } from "./single-id.ts";

const OWN_MOUNTS = ["--mount", "--propagation", "private", "--"];
/**
 * util-linux 2.38. Id 0 is the user, 1 and up are the user's subordinate ids, by newuidmap(1) and newgidmap(1); mounts are
 * the namespace's own.
 */
const ALL_IDS = ["--user", "--map-root-user", "--map-auto", ...OWN_MOUNTS];
/** Id 0 is the user, and there is no other: user_namespaces(7) lets every process map itself. */
const SINGLE_ID = ["--user", "--map-root-user", ...OWN_MOUNTS];
/** newuidmap may ask a directory server for the user's ids. */
const TRIAL_MS = 20_000;

/**
 * Makes an ordinary user root of a user namespace: this process becomes the same command line inside it, under the same
 * process id, so that signals, the terminal and the exit code need no forwarding. For root it does nothing. Where subordinate ids
 * cannot be had, the namespace has a single id, and `warn` is told what the build then cannot do.
 * Throws BuildError ROOTLESS_UNAVAILABLE with what this machine lacks for any namespace.
 */
export function enterUserNamespace(
  env: NodeJS.ProcessEnv,
  warn = (text: string): void => void process.stderr.write(text),
): void {
  if (process.platform !== "linux" || process.geteuid?.() === 0) return;
  // By itself first: where unshare(2) fails, util-linux 2.38 leaves the process behind that was to call newuidmap.
  const told = tryOut(SINGLE_ID, env);
  if (told !== undefined) throw rootlessProblem(told, env);
  const lack = tryOut(ALL_IDS, env);
  if (lack !== undefined) warn(singleIdWarning(singleIdProblem(lack, env)));
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  replaceProcess({
    file: "unshare",
    args: [...(lack === undefined ? ALL_IDS : SINGLE_ID), ...again],
    env: { ...userPlaces(env), ...lateCertificates(env) },
  });
}

/** What tsbuild prints inside a user namespace, and why that has a single id where it has; or why there is none. */
export type InsideResult =
  | { readonly stdout: string; readonly singleId?: Problem; readonly problem?: undefined }
  | { readonly problem: BuildError };

/** Runs this program with other arguments as root of a user namespace, to its end, with the ids that a build would have. */
export function insideUserNamespace(args: readonly string[], env: NodeJS.ProcessEnv): InsideResult {
  const told = tryOut(SINGLE_ID, env);
  if (told !== undefined) return { problem: rootlessProblem(told, env) };
  const again = [process.execPath, ...process.execArgv, process.argv[1] ?? "", ...args];
  const lack = tryOut(ALL_IDS, env);
  const namespaces = lack === undefined ? ALL_IDS : SINGLE_ID;
  const places = { ...env, ...userPlaces(env), ...lateCertificates(env) };
  const options = { encoding: "utf8", env: places, timeout: TRIAL_MS } as const;
  const { stdout, stderr, error } = spawnSync("unshare", [...namespaces, ...again], options);
  if (stdout) return { stdout, ...(lack === undefined ? {} : { singleId: singleIdProblem(lack, env) }) };
  return { problem: rootlessProblem(error?.message ?? stderr, env) };
}

/** What unshare(1) said when it failed: its own error would have neither a code nor a hint. */
function tryOut(namespaces: readonly string[], env: NodeJS.ProcessEnv): string | undefined {
  const options = { encoding: "utf8", env: { ...env, LC_ALL: "C" }, timeout: TRIAL_MS } as const;
  const { status, error, stderr } = spawnSync("unshare", [...namespaces, "true"], options);
  return status === 0 ? undefined : (error?.message ?? stderr);
}

/** What depends on who the user is, and would be root's inside. */
function userPlaces(env: NodeJS.ProcessEnv): Record<string, string> {
  return { HOME: env["HOME"] ?? homedir(), TSBUILD_STORE: defaultStore(env) };
}

/** As scripts/launcher.cjs does it: Node would parse the bundle a second time. */
function lateCertificates({ NODE_EXTRA_CA_CERTS: bundle }: NodeJS.ProcessEnv): Record<string, string> {
  return bundle === undefined ? {} : { NODE_EXTRA_CA_CERTS: "", TSBUILD_CA_CERTS: bundle };
}
