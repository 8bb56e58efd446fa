import { setTimeout as sleep } from "node:timers/promises";
import { BuilderUnderTest } from "../builder-under-test.ts";
import { type Scenario, times } from "../scenario.ts";

const CODES: Readonly<Record<"SIGINT" | "SIGTERM", number>> = { SIGINT: 130, SIGTERM: 143 };

/** tsbuild is asked to end at a random moment of a build, and has left nothing when it has. */
export const endedBuilds: Scenario = async (conditions) => {
  const { random } = conditions;
  const builder = await BuilderUnderTest.create(conditions.asUser);
  await builder.build();
  const buildMs = await builder.build();
  const rounds = times(60, conditions);
  for (let round = 0; round < rounds; round++) {
    const signal = random.pick(["SIGINT", "SIGTERM"] as const) ?? "SIGINT";
    const { child, ended } = builder.start();
    await sleep(random.below(1.1 * buildMs));
    child.kill(signal);
    const { code, stderr } = await ended;
    if (code !== 0 && code !== CODES[signal]) throw new Error(`${signal} ended a build with ${code}:\n${stderr}`);
    await builder.expectNothingLeft();
  }
  return `${rounds} builds of ${Math.round(buildMs)} ms interrupted`;
};
