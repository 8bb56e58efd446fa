import { setTimeout as sleep } from "node:timers/promises";
import { BuilderUnderTest } from "../builder-under-test.ts";
import { type Scenario, times } from "../scenario.ts";

/** tsbuild is killed at a random moment of a build; by the time the next build has ended, nothing is left of it. */
export const killedBuilders: Scenario = async (conditions) => {
  const builder = await BuilderUnderTest.create(conditions.asUser);
  await builder.build();
  const buildMs = await builder.build();
  const rounds = times(40, conditions);
  for (let round = 0; round < rounds; round++) {
    const { child, ended } = builder.start();
    await sleep(conditions.random.below(1.1 * buildMs));
    child.kill("SIGKILL");
    await ended;
    await builder.expectNothingLeft(["processes", "mounts"]);
    await builder.build();
    await builder.expectNothingLeft();
  }
  return `${rounds} builds of ${Math.round(buildMs)} ms killed, each followed by one that was not`;
};
