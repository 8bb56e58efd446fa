import type { Word } from "../dockerfile/instructions.ts";
import type { Edge } from "../llb/index.ts";
import type { BuildScope } from "./scope.ts";
import type { StagePlan } from "./stage-plan.ts";

/** What the handlers of one stage's instructions know beside its state. */
export interface StageContext {
  readonly scope: BuildScope;
  readonly plan: StagePlan;
  /** How many vertices of the stage get a number. */
  readonly total: number;
  /** The instruction is a trigger that ONBUILD of the base left behind. */
  readonly isTrigger: boolean;
  /** The files that `COPY --from` names. */
  readonly copySource: (from: Word) => Promise<Edge>;
  /** The files that `from` of `RUN --mount` names; `target` is for the error. */
  readonly mountSource: (from: Word, target: string) => Promise<Edge>;
}
