import type { Platform } from "../../registry-client/index.ts";
import type { Stage } from "../dockerfile/instructions.ts";
import type { CopySource } from "./copy-source.ts";
import type { NamedContext } from "./options.ts";

/** A stage, and what its FROM turned out to mean. */
export interface StagePlan {
  readonly stage: Stage;
  /** What progress calls it; "" when there is nothing to tell it from. */
  readonly displayName: string;
  readonly base: StageBase;
  readonly platform?: Platform;
  /** Stages and images that its instructions read, without those of ONBUILD triggers. */
  readonly sources: readonly CopySource[];
}

export type StageBase =
  | { readonly type: "scratch" }
  | { readonly type: "stage"; readonly index: number }
  | { readonly type: "image"; readonly name: string }
  /** A named context with the stage's own name: it takes the place of the whole stage. */
  | { readonly type: "replaced"; readonly name: string; readonly context: NamedContext };

/** Indexes of the stages a stage needs. */
export function dependencies(plan: StagePlan): readonly number[] {
  return plan.base.type === "stage" ? [plan.base.index, ...readStages(plan)] : readStages(plan);
}

/** Indexes of the stages that its instructions read. */
export function readStages({ base, sources }: StagePlan): readonly number[] {
  return base.type === "replaced" ? [] : sources.flatMap((source) => (source.type === "stage" ? [source.index] : []));
}
