import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** What this process holds. */
export interface OwnResources {
  readonly descriptors: number;
  readonly threads: number;
  readonly rssBytes: number;
}

/** After a collection of garbage, and once nothing is under way. Needs `--expose-gc` for the first. */
export async function ownResources(): Promise<OwnResources> {
  await sleep(200);
  globalThis.gc?.();
  await sleep(100);
  globalThis.gc?.();
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
    rssBytes: process.memoryUsage.rss(),
  };
}
