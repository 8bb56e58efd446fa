import { fileURLToPath } from "node:url";
import { type CommandResult, runCommand } from "../helpers/command.ts";

const INSIDE = fileURLToPath(new URL("inside.ts", import.meta.url));

export interface ScenarioRun {
  readonly name: string;
  readonly seed: number;
  /** 1 is the full length. */
  readonly scale: number;
  readonly who: "root" | "user";
}

/** Runs a scenario in a pid and a mount namespace of its own, so that all that is found there afterwards was left by it. Needs root. */
export function runScenario({ name, seed, scale, who }: ScenarioRun): Promise<CommandResult> {
  const namespaces = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"];
  const node = [process.execPath, "--expose-gc", "--import", import.meta.resolve("tsx"), INSIDE];
  return runCommand([...namespaces, ...node, name, `${seed}`, `${scale}`, who], { timeoutMs: 30 * 60_000 });
}
