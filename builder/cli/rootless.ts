import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { replaceProcess } from "../../runtime-core/index.ts";
import { defaultStore } from "../store-location.ts";
import { rootlessProblem } from "./rootless-problem.ts";

/**
 * util-linux 2.38. Id 0 is the user, 1 and up are the user's subordinate ids, by newuidmap(1) and newgidmap(1); mounts are
 * the namespace's own.
 */
const UNSHARE = ["--user", "--map-root-user", "--map-auto", "--mount", "--propagation", "private", "--"];
/** newuidmap may ask a directory server for the user's ids. */
const TRIAL_MS = 20_000;

/**
 * Makes an ordinary user root of a user namespace: this process becomes the same command line inside it, under the same
 * process id, so that signals, the terminal and the exit code need no forwarding. For root it does nothing.
 * Throws BuildError ROOTLESS_UNAVAILABLE with what this machine lacks.
 */
export function enterUserNamespace(env: NodeJS.ProcessEnv): void {
  if (process.platform !== "linux" || process.geteuid?.() === 0) return;
  // By itself first: where unshare(2) fails, util-linux 2.38 leaves the process behind that was to call newuidmap.
  tryOut(["--user", "--mount", "--"], env);
  tryOut(UNSHARE, env);
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  replaceProcess({
    file: "unshare",
    args: [...UNSHARE, ...again],
    env: { ...userPlaces(env), ...lateCertificates(env) },
  });
}

/** An error of unshare itself would have neither a code nor a hint. */
function tryOut(namespaces: readonly string[], env: NodeJS.ProcessEnv): void {
  const options = { encoding: "utf8", env: { ...env, LC_ALL: "C" }, timeout: TRIAL_MS } as const;
  const { status, error, stderr } = spawnSync("unshare", [...namespaces, "true"], options);
  if (status !== 0) throw rootlessProblem(error?.message ?? stderr, env);
}

/** What depends on who the user is, and would be root's inside. */
function userPlaces(env: NodeJS.ProcessEnv): Record<string, string> {
  return { HOME: env["HOME"] ?? homedir(), TSBUILD_STORE: defaultStore(env) };
}

/** As scripts/launcher.cjs does it: Node would parse the bundle a second time. */
function lateCertificates({ NODE_EXTRA_CA_CERTS: bundle }: NodeJS.ProcessEnv): Record<string, string> {
  return bundle === undefined ? {} : { NODE_EXTRA_CA_CERTS: "", TSBUILD_CA_CERTS: bundle };
}
