import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ownResources } from "../own-resources.ts";
import { type Scenario, times } from "../scenario.ts";
import { endSpare, step } from "../steps.ts";
import { expectNothingLeft, lookAround } from "../world.ts";

const WORKER = fileURLToPath(new URL("../stepping-worker.mjs", import.meta.url));

/** A worker thread that runs steps is terminated at a random moment, without a word to the library: its steps end with it. */
export const droppedWorkers: Scenario = async (conditions) => {
  const before = lookAround([]);
  await step("true");
  let held = await ownResources();
  const rounds = times(40, conditions);
  for (let round = 0; round < rounds; round++) {
    const worker = new Worker(WORKER);
    await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await sleep(conditions.random.below(40));
    await worker.terminate();
    if (round === 0) held = await ownResources();
  }
  await endSpare();
  await expectNothingLeft(before, []);
  const now = await ownResources();
  if (now.descriptors > held.descriptors) throw new Error(`${now.descriptors} descriptors, ${held.descriptors} before`);
  if (now.threads > held.threads) throw new Error(`${now.threads} threads, ${held.threads} before`);
  return `${rounds} workers with four running steps each terminated`;
};
