import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BuilderUnderTest } from "../builder-under-test.ts";
import type { Random } from "../random.ts";
import { type Scenario, times } from "../scenario.ts";

const MAX_BUILD_MS = 60_000;

/** A launcher, or the PID 1 of a step, is killed at a random moment: the build ends by itself, and leaves nothing. */
export const killedHelpers: Scenario = async (conditions) => {
  const { random } = conditions;
  const builder = await BuilderUnderTest.create(conditions.asUser);
  await builder.build();
  const buildMs = await builder.build();
  const rounds = times(60, conditions);
  let [killed, failed] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const { child, ended } = builder.start();
    await sleep(random.below(buildMs));
    const victim = await firstVictim(child, random);
    if (victim !== undefined && kill(victim)) killed += 1;
    const limit = setTimeout(() => child.kill("SIGKILL"), MAX_BUILD_MS);
    const { code, stderr } = await ended;
    clearTimeout(limit);
    // A build may exit with 137 too: what was killed was about to become the step's command.
    if (child.signalCode !== null) throw new Error(`a build did not end by itself, without ${victim}:\n${stderr}`);
    if (code !== 0) failed += 1;
    await builder.expectNothingLeft();
  }
  return `${killed} helpers killed in ${rounds} builds, ${failed} of which failed for it`;
};

/** A helper of the build, as soon as there is one; undefined when the build ends without. */
async function firstVictim(child: ChildProcess, random: Random): Promise<number | undefined> {
  while (child.exitCode === null && child.signalCode === null) {
    const victim = random.pick(helpers());
    if (victim !== undefined) return victim;
    await sleep(1);
  }
  return undefined;
}

/** The helper programs of this pid namespace. */
function helpers(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && isHelper(pid));
}

function isHelper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("tsbuild-init");
  } catch {
    return false;
  }
}

/** False when it has ended meanwhile. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
