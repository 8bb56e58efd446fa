import { mkdirSync } from "node:fs";
import { runSandbox } from "../../../runtime-core/index.ts";
import type { Subject } from "./contender.ts";
import { busyFor } from "./pause.ts";
import { freshSpec } from "./tsbuild-step.ts";

/** How long a step keeps Node's thread from anything else, in milliseconds a run. */
export interface Blocked {
  /** The size of the heap meanwhile. */
  readonly heapMiB: number;
  /** The longest time between two turns of the event loop while a step was started, run and cleaned up after. */
  readonly longestMs: readonly number[];
}

/** Runs steps with the heap as it is and with one of `heapMiB`. */
export async function eventLoopBlocked(runs: number, heapMiB: number, subject: Subject): Promise<readonly Blocked[]> {
  const asItIs = await blocked(runs, subject);
  const ballast = fillHeap(heapMiB);
  const filled = await blocked(runs, subject);
  // Read after the runs, so that it is there for all of them.
  if (ballast.length === 0) throw new Error("the heap was not filled");
  return [asItIs, filled];
}

async function blocked(runs: number, subject: Subject): Promise<Blocked> {
  const longestMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    mkdirSync(subject.work, { recursive: true });
    const spec = freshSpec(subject.program, subject);
    busyFor(5);
    longestMs.push(await longestTurn(() => runSandbox(spec, {}, { isLast: true })));
  }
  return { heapMiB: Math.round(process.memoryUsage().heapUsed / 2 ** 20), longestMs };
}

async function longestTurn(call: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await call();
  isOver = true;
  turn();
  return longest;
}

/** Small objects, as a program has them, and not one large buffer outside of the heap. */
function fillHeap(mebibytes: number): object[] {
  const objects: object[] = [];
  while (process.memoryUsage().heapUsed < mebibytes * 2 ** 20) {
    for (let i = 0; i < 10_000; i++) objects.push({ index: i, text: `${i}`, next: objects[i] });
  }
  return objects;
}
