import { availableParallelism } from "node:os";
import { checkLimits, type SandboxLimits } from "../limits.ts";
import { lacking, type MachineCheck, ok } from "./check.ts";

const MIB = 1024 ** 2;

/** Limits that a step could be given, and what they are called. */
const TRIED: readonly { readonly id: string; readonly name: string; readonly limits: SandboxLimits }[] = [
  { id: "memory", name: "memory limit", limits: { memoryBytes: 64 * MIB } },
  { id: "swap", name: "swap limit", limits: { memoryBytes: 64 * MIB, memorySwapBytes: 128 * MIB } },
  { id: "pids", name: "pids limit", limits: { pids: 100 } },
  { id: "cpus", name: "cpu limit", limits: { cpus: Math.min(1, availableParallelism()) } },
  { id: "cpuShares", name: "cpu shares", limits: { cpuShares: 512 } },
  { id: "io", name: "io limits", limits: { ioReadBps: 64 * MIB, ioWriteBps: 64 * MIB } },
];

/** Which limits of steps this machine can enforce, each tried in `directory`: cgroups(7). */
export async function limitChecks(directory: string): Promise<readonly MachineCheck[]> {
  return await Promise.all(
    TRIED.map(async ({ id, name, limits }) => {
      const check = [`limits.${id}`, name] as const;
      const [refused] = await checkLimits(limits, directory);
      if (refused === undefined) return ok(...check, "can be enforced");
      return lacking("limited", check, refused.reason, refused.remedy);
    }),
  );
}
