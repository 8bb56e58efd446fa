import type { PersistentMap } from "./persistent-map.ts";
import type { StageState } from "./stage-state.ts";
import type { StepEnvironment } from "./step-environment.ts";

// Steps mostly run in the environment of the step before them: its rows are made, and kept in memory, once.
const rowsOf = new WeakMap<StepEnvironment, readonly string[]>();
const prefixOf = new WeakMap<StepEnvironment, { readonly buildArgs: PersistentMap<string>; text: string }>();

/** `NAME=value` for everything that a step sees. */
export function environmentRows({ environment }: Pick<StageState, "environment">): readonly string[] {
  const known = rowsOf.get(environment);
  if (known !== undefined) return known;
  const rows = Array.from(environment, ([name, value]) => `${name}=${value}`);
  rowsOf.set(environment, rows);
  return rows;
}

/** `|2 A=1 B=2 `: the ARGs in effect as history has them, by the value that RUN sees; empty without any. */
export function buildArgPrefix({ buildArgs, environment }: Pick<StageState, "buildArgs" | "environment">): string {
  const known = prefixOf.get(environment);
  if (known?.buildArgs === buildArgs) return known.text;
  const args = Array.from(buildArgs, ([name, value]) => `${name}=${environment.get(name) ?? value} `);
  const text = args.length > 0 ? `|${args.length} ${args.join("")}` : "";
  prefixOf.set(environment, { buildArgs, text });
  return text;
}
