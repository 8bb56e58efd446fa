import { type Job, type JobResult, runJob } from "./job.ts";

/** Runs chains of jobs, `width` chains at once, each chain in order. Calls `onResult` as results come. */
export async function runChains(
  chains: readonly (readonly Job[])[],
  width: number,
  onResult: (result: JobResult) => void,
): Promise<void> {
  const queue = [...chains];
  const worker = async () => {
    for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
      for (const job of chain) onResult(await runJob(job));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
