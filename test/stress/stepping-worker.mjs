// A worker thread that keeps four steps running for as long as it lives. It says so once the first has been started.
import { parentPort } from "node:worker_threads";
import { tsImport } from "tsx/esm/api";

const { step } = await tsImport("./steps.ts", import.meta.url);
for (let lane = 0; lane < 4; lane++) keepStepping();
parentPort.postMessage("running");

async function keepStepping() {
  for (;;) await step("sleep 0.02; seq 100; sleep 100 & sleep 0.01");
}
