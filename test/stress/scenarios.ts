import type { Scenario } from "./scenario.ts";
import { droppedWorkers } from "./scenarios/dropped-workers.ts";
import { endedBuilds } from "./scenarios/ended-builds.ts";
import { killedBuilders } from "./scenarios/killed-builders.ts";
import { killedHelpers } from "./scenarios/killed-helpers.ts";
import { manyAtOnce } from "./scenarios/many-at-once.ts";
import { stepsInARow } from "./scenarios/steps-in-a-row.ts";

/** By the names that the command line knows them by. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "steps-in-a-row": stepsInARow,
  "many-at-once": manyAtOnce,
  "dropped-workers": droppedWorkers,
  "ended-builds": endedBuilds,
  "killed-helpers": killedHelpers,
  "killed-builders": killedBuilders,
};

/** Those that build with the command, and so can do it as an ordinary user too. */
export const BUILDING: readonly string[] = ["ended-builds", "killed-helpers", "killed-builders"];
