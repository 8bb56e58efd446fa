import { ownResources } from "../own-resources.ts";
import { type Scenario, times } from "../scenario.ts";
import { endSpare, step } from "../steps.ts";
import { expectNothingLeft, lookAround } from "../world.ts";

/** What Node itself keeps for good comes in the first steps. */
const WARM_UP = 50;
const MAX_BYTES_PER_STEP = 8 << 10;
const FIXED_BYTES = 4 << 20;

/** A thousand steps of one process, every tenth of which is aborted: it holds afterwards what it held before, and nothing is left. */
export const stepsInARow: Scenario = async (conditions) => {
  const { random } = conditions;
  const before = lookAround([]);
  for (let i = 0; i < WARM_UP; i++) await step("true");
  const held = await ownResources();
  const count = times(1000, conditions);
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) await (i % 10 === 9 ? abortedStep(random.below(10)) : step(`echo ${i}`));
  const stepMs = (performance.now() - startedAt) / count;
  const now = await ownResources();
  // The sandbox that stands ready for the next step would be counted: this one is used up, and asks for no other.
  if (now.descriptors > held.descriptors) throw new Error(`${now.descriptors} descriptors, ${held.descriptors} before`);
  if (now.threads > held.threads) throw new Error(`${now.threads} threads, ${held.threads} before`);
  const grown = now.rssBytes - held.rssBytes;
  if (grown > FIXED_BYTES + count * MAX_BYTES_PER_STEP) throw new Error(`${grown} bytes more after ${count} steps`);
  await endSpare();
  await expectNothingLeft(before, []);
  const perStep = Math.round(grown / count);
  return `${count} steps of ${stepMs.toFixed(1)} ms, ${held.descriptors} descriptors and ${held.threads} threads before and ${now.descriptors} and ${now.threads} after, ${perStep} bytes of memory a step`;
};

async function abortedStep(afterMs: number): Promise<void> {
  const aborting = new AbortController();
  const timer = setTimeout(() => aborting.abort(new Error("enough")), afterMs);
  try {
    await step("sleep 30", aborting.signal);
  } catch (error) {
    if (error !== aborting.signal.reason) throw error;
  } finally {
    clearTimeout(timer);
  }
}
