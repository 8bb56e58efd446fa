// Tries one mutant after the other, from `first`; `progress` always says which one is under way.
import { parentPort, workerData } from "node:worker_threads";
import { mutant } from "./mutate.ts";
import { survive } from "./survive.ts";

/** What the worker is started with. */
export interface FuzzTask {
  readonly seed: number;
  readonly first: number;
  readonly progress: Int32Array;
}

/** A mutant that did not survive. */
export interface FuzzFinding {
  readonly index: number;
  readonly problem: string;
}

const { seed, first, progress } = workerData as FuzzTask;

for (let index = first; ; index++) {
  Atomics.store(progress, 0, index);
  await survive(mutant(seed, index)).catch((error: Error) => {
    const finding: FuzzFinding = { index, problem: error.stack ?? String(error) };
    parentPort?.postMessage(finding);
  });
}
