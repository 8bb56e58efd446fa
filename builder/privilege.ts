import { readFileSync } from "node:fs";
import { BuildError } from "./errors.ts";

/** capabilities(7): the bit of CAP_SYS_ADMIN, which mounting needs. */
const CAP_SYS_ADMIN = 21n;

/**
 * Building and running mount, and give files to many owners, which housekeeping reads and removes: they need root, or root of a
 * user namespace. The command enters one by itself; a library cannot, because unshare(2) refuses a process with threads. `caller` is the public function, for the message.
 * Throws BuildError ROOTLESS_UNAVAILABLE.
 */
export function checkPrivilege(caller: "build()" | "run()" | "diskUsage()" | "prune()"): void {
  if (process.geteuid?.() === 0 || maySysAdmin()) return;
  throw new BuildError(
    "ROOTLESS_UNAVAILABLE",
    `${caller} was called by an ordinary user outside a user namespace, where it can neither mount nor change owners`,
    { hint: "start the program with `unshare --user --map-root-user --map-auto --mount`, or run the tsbuild command" },
  );
}

/** proc_pid_status(5), CapEff. */
function maySysAdmin(): boolean {
  if (process.platform !== "linux") return true;
  const [, mask = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return ((BigInt(`0x${mask}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}
