import { spawnSync } from "node:child_process";

const VARIABLE = "TSBUILD_BENCH_SHIELDED";
/** A real-time priority would shield better, and cannot be had in a cpu cgroup of version 1: sched(7), RT group scheduling. */
const NICE = ["nice", "-n", "-20"] as const;

/**
 * Starts this command once more with the highest ordinary priority, which everything it starts inherits, so that what else runs
 * on the machine takes little time from any contender. Returns the exit code of that run; undefined in it, and where it is not allowed.
 */
export function shielded(): number | undefined {
  if (process.env[VARIABLE] !== undefined) return undefined;
  const [nice, ...flags] = NICE;
  const tried = spawnSync(nice, [...flags, "true"], { encoding: "utf8" });
  // It says on standard error that it may not, and goes on.
  if (tried.status !== 0 || tried.stderr !== "") return undefined;
  const argv = [...flags, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, [VARIABLE]: "1" };
  return spawnSync(nice, argv, { stdio: "inherit", env }).status ?? 1;
}

/** How the run is shielded, in words. */
export function shieldWords(): string {
  return process.env[VARIABLE] === undefined ? "ordinary priority" : "the highest priority for all (nice -20)";
}
