import { commandOutput } from "../helpers/command.ts";
import type { BenchBuilder } from "./builder.ts";

/** Wall time in seconds of each run. */
export interface Timings {
  readonly name: string;
  /** Nothing cached but the base image: every step runs. */
  readonly cold: readonly number[];
  /** Built just before: no step runs. */
  readonly cached: readonly number[];
}

/** Times the builders one after the other, run by run, so that a change of the machine's mood hits all of them. One run warms up. */
export async function measure(builders: readonly BenchBuilder[], context: string, runs: number): Promise<Timings[]> {
  const timings = builders.map(({ name }) => ({ name, cold: [] as number[], cached: [] as number[] }));
  for (let run = -1; run < runs; run++) {
    for (const [index, builder] of builders.entries()) {
      const cold = await seconds(() => builder.build(context, { noCache: true }));
      if (run < 0) await builder.build(context, { noCache: false });
      const cached = await seconds(() => builder.build(context, { noCache: false }));
      if (run >= 0) timings[index]?.cold.push(cold);
      if (run >= 0) timings[index]?.cached.push(cached);
    }
  }
  return timings;
}

/** The middle of the sorted values; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

const SETTLE_MS = 500;

/**
 * Daemons clean up and the kernel writes back after a build: what one builder left to do must not slow the next one down. The
 * wait is a busy one: a core that has slept is slow for its first tenth of a second, half of one builder's time and little of another's.
 */
async function settle(): Promise<void> {
  await commandOutput(["sync"]);
  const until = performance.now() + SETTLE_MS;
  while (performance.now() < until);
}

async function seconds(call: () => Promise<void>): Promise<number> {
  await settle();
  const started = performance.now();
  await call();
  return (performance.now() - started) / 1000;
}
