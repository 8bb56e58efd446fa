// Runs the sandbox for minutes, ends it in every way at random moments, and looks for what it leaves behind:
// npm run test:stress -- [--seed N] [--scale 1] [--only steps-in-a-row,killed-builders] [--as root,user]. Needs root.
import { parseArgs } from "node:util";
import { bundleCli } from "../runner/cli-bundle.ts";
import { runScenario, type ScenarioRun } from "./run-scenario.ts";
import { BUILDING, SCENARIOS } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    scale: { type: "string", default: "1" },
    only: { type: "string", default: Object.keys(SCENARIOS).join() },
    as: { type: "string", default: "root,user" },
  },
});

process.env["TSBUILD_TEST_CLI"] = await bundleCli();
console.log(`seed ${values.seed}`);
const users = values.as.split(",").filter((who) => who === "root" || who === "user");
let failed = 0;
for (const name of values.only.split(",")) {
  for (const who of users) {
    if (who === "user" && !BUILDING.includes(name)) continue;
    if (!(await passes({ name, who, seed: Number(values.seed), scale: Number(values.scale) }))) failed += 1;
  }
}
process.exitCode = failed === 0 ? 0 : 1;

async function passes(scenario: ScenarioRun): Promise<boolean> {
  const startedAt = performance.now();
  const { code, stdout, stderr } = await runScenario(scenario);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(
    `${code === 0 ? "ok  " : "FAIL"}  ${scenario.name} as ${scenario.who}, ${seconds} s: ${stdout.trim()}${stderr}`,
  );
  return code === 0;
}
