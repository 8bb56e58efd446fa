import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runScenario } from "../stress/run-scenario.ts";
import { BUILDING, SCENARIOS } from "../stress/scenarios.ts";

const endurance = suite("e2e: endurance, a twentieth of npm run test:stress");

const SCALE = 0.05;

for (const name of Object.keys(SCENARIOS)) {
  for (const who of BUILDING.includes(name) ? (["root", "user"] as const) : (["root"] as const)) {
    endurance(`nothing is left behind: ${name}, as ${who}`, async () => {
      const seed = Date.now() % 1_000_000;
      const { code, stdout, stderr } = await runScenario({ name, seed, scale: SCALE, who });
      assert.is(
        code,
        0,
        `npm run test:stress -- --only ${name} --as ${who} --seed ${seed} --scale ${SCALE}\n${stdout}${stderr}`,
      );
    });
  }
}

endurance.run();
