import { posix } from "node:path";
import type { WorkdirInstruction } from "../dockerfile/instructions.ts";
import { createVertex } from "../llb/index.ts";
import { expandWord } from "./expand-word.ts";
import type { StageContext } from "./stage-context.ts";
import { type StageState, withConfig, withLayer } from "./stage-state.ts";
import { nameStep } from "./vertex-name.ts";

/** WORKDIR: made with its parents, for the current USER; a layer of its own unless it is the root. */
export function dispatchWorkdir(state: StageState, instruction: WorkdirInstruction, context: StageContext): StageState {
  const path = joinWorkdir(state.config.WorkingDir, expandWord(context.scope, instruction.path, state.environment));
  const createdBy = `WORKDIR ${path}`;
  if (path === "/") return withConfig(state, { WorkingDir: path }, createdBy);
  const { state: numbered, name } = nameStep(state, instruction, context);
  const owner = state.config.User;
  const mkdir = { type: "mkdir", path, mode: 0o755, ...(owner ? { owner } : {}) } as const;
  const vertex = createVertex({ type: "file", actions: [mkdir] }, [state.root], { name, range: instruction.range });
  return withLayer({ ...numbered, config: { ...state.config, WorkingDir: path } }, vertex, createdBy);
}

/** `path` seen from `current`, absolute and clean. */
export function joinWorkdir(current: string | undefined, path: string): string {
  return posix.resolve("/", current ?? "/", path);
}
