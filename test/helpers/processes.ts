import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SLOWDOWN } from "./slowdown.ts";

/** Ids of the processes, of whatever namespace, whose whole command line is `sleep SECONDS`. */
export function sleepers(seconds: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid) === `sleep\0${seconds}\0`).map(Number);
}

/** A number of seconds that no other process sleeps, so that `sleepers` finds one's own. */
export function unusualSeconds(): string {
  return `${100_000 + Math.floor(Math.random() * 900_000)}`;
}

/** What `look` finds, once it finds something. Throws after half a minute. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 300 * SLOWDOWN; tries++) {
    const found = look();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`it did not come to pass: ${look}`);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
