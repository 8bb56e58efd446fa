// Mutates Dockerfiles for a while and prints those that crash, hang or give an error without its place:
// npm run fuzz -- [--seconds 60] [--seed 1] [--case 123]. A case is the same for the same seed and number, everywhere.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { mutant } from "./mutate.ts";
import { survive } from "./survive.ts";
import type { FuzzFinding, FuzzTask } from "./worker.ts";

const HANG_MS = 10_000;
const MAX_FINDINGS = 20;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" }, case: { type: "string" } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);

if (values.case !== undefined) await showCase(Number(values.case));
else await fuzz(Number(values.seconds) * 1000);

async function showCase(index: number): Promise<void> {
  const text = mutant(seed, index);
  console.log(`${text}\n\n${JSON.stringify(text)}\n`);
  await survive(text);
  console.log("it survives");
}

async function fuzz(limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  const findings: FuzzFinding[] = [];
  const progress = new Int32Array(new SharedArrayBuffer(4));
  let worker = startWorker({ seed, first: 0, progress }, findings);
  let [index, since] = [0, performance.now()];
  while (performance.now() < end && findings.length < MAX_FINDINGS) {
    await sleep(100);
    const now = Atomics.load(progress, 0);
    if (now !== index) [index, since] = [now, performance.now()];
    else if (performance.now() - since > HANG_MS) {
      findings.push({ index, problem: `takes longer than ${HANG_MS / 1000} s` });
      await worker.terminate();
      worker = startWorker({ seed, first: index + 1, progress }, findings);
    }
  }
  await worker.terminate();
  for (const { index: number, problem } of findings) console.log(`case ${number}: ${problem}\n`);
  console.log(`seed ${seed}: ${index} mutants, ${findings.length} findings`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

function startWorker(task: FuzzTask, findings: FuzzFinding[]): Worker {
  const worker = new Worker(new URL("./worker.mjs", import.meta.url), { workerData: task });
  worker.on("message", (finding: FuzzFinding) => findings.push(finding));
  worker.on("error", (error) => findings.push({ index: Atomics.load(task.progress, 0), problem: String(error) }));
  return worker;
}
