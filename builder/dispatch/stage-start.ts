import type { Platform } from "../../registry-client/index.ts";
import { createVertex } from "../llb/index.ts";
import { childState, imageState, imageTitle, scratchState } from "./base.ts";
import type { BaseSource } from "./base-images.ts";
import { toArray } from "./chain.ts";
import { filesEdge } from "./context-edge.ts";
import type { StagePlan } from "./stage-plan.ts";
import { type StageState, withLayer } from "./stage-state.ts";
import { internalName, stepName } from "./vertex-name.ts";

/** What FROM stands for, before it is known how many steps the stage has. */
export interface StageStart {
  /** Triggers that run first in the new stage. */
  readonly onbuild: readonly string[];
  /** 1 when FROM is a step of its own. */
  readonly steps: 0 | 1;
  /** The stage before its first instruction, without the triggers. */
  readonly open: (total: number) => StageState;
}

/** FROM an earlier stage. */
export function startFromStage(parent: StageState): StageStart {
  return { onbuild: toArray(parent.onbuild), steps: 0, open: () => withoutTriggers(childState(parent)) };
}

/** FROM scratch, an image, or files that take an image's place. */
export function startFromSource(plan: StagePlan, source: BaseSource, targetPlatform: Platform): StageStart {
  switch (source.type) {
    case "scratch":
      return { onbuild: [], steps: 0, open: () => scratchState(targetPlatform) };
    case "image": {
      const { image } = source;
      return {
        onbuild: image.config.config?.OnBuild ?? [],
        steps: 1,
        open: (total) => {
          const name = stepName(plan.displayName, 1, total, imageTitle(image));
          return withoutTriggers({ ...imageState(image, name, plan.stage.from.base.range), step: 1 });
        },
      };
    }
    case "files":
      return { onbuild: [], steps: 1, open: (total) => filesState(plan, source, total, targetPlatform) };
  }
}

/** The files of a named context as a root: one layer over scratch. */
function filesState(
  plan: StagePlan,
  { name, context }: Extract<BaseSource, { type: "files" }>,
  total: number,
  platform: Platform,
): StageState {
  const scratch = scratchState(platform);
  const files = filesEdge(name, context, internalName(`load from context ${name}`), plan.stage.from.base.range);
  const copy = { type: "copy", input: 1, paths: ["/"], wildcards: false, dest: "/" } as const;
  const vertex = createVertex({ type: "file", actions: [copy] }, [scratch.root, files], {
    name: stepName(plan.displayName, 1, total, `FROM ${name}`),
    range: plan.stage.from.base.range,
  });
  return { ...withLayer(scratch, vertex, `FROM ${name}`), step: 1 };
}

function withoutTriggers(state: StageState): StageState {
  return { ...state, onbuild: undefined };
}
