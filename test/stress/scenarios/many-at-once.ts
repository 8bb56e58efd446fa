import { ownResources } from "../own-resources.ts";
import { type Scenario, times } from "../scenario.ts";
import { endSpare, step } from "../steps.ts";
import { expectNothingLeft, lookAround } from "../world.ts";

const AT_ONCE = 50;

/**
 * Fifty steps at once, each with output of its own, more than the thread pool has threads: all end, each gets its own output, and
 * nothing is left.
 */
export const manyAtOnce: Scenario = async (conditions) => {
  const before = lookAround([]);
  await step("true");
  const rounds = times(10, conditions);
  const took: number[] = [];
  let held = await ownResources();
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(`${round}-${index}`)));
    took.push(performance.now() - startedAt);
    if (round === 0) held = await ownResources();
  }
  const now = await ownResources();
  if (now.descriptors > held.descriptors) throw new Error(`${now.descriptors} descriptors, ${held.descriptors} before`);
  if (now.threads > held.threads) throw new Error(`${now.threads} threads, ${held.threads} before`);
  await endSpare();
  await expectNothingLeft(before, []);
  return `${rounds} times ${AT_ONCE} steps at once, ${Math.min(...took).toFixed(0)} to ${Math.max(...took).toFixed(0)} ms for all`;
};

async function one(name: string): Promise<void> {
  const { stdout } = await step(
    `echo ${name}; sleep 0.1; seq 500 | sed 's/^/${name} /'; echo ${name} > /out; cat /out`,
  );
  const expected = [name, ...Array.from({ length: 500 }, (_, index) => `${name} ${index + 1}`), name];
  if (stdout !== `${expected.join("\n")}\n`) throw new Error(`step ${name} got other output:\n${stdout.slice(0, 400)}`);
}
