import type { Stage, StageInstruction } from "../dockerfile/instructions.ts";
import type { StageState } from "./stage-state.ts";

/** Sees every instruction just before it is dispatched, triggers of a base included, with what the stage is by then. */
export interface StageObserver {
  /** `parent`: the stage that FROM names, already seen to its end. */
  openStage(stage: Stage, parent: number | undefined): void;
  beforeInstruction(stage: Stage, instruction: StageInstruction, state: StageState): void;
}
