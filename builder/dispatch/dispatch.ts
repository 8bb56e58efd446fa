import type { Platform } from "../../registry-client/index.ts";
import type { Dockerfile } from "../dockerfile/instructions.ts";
import { toArray } from "./chain.ts";
import { frontendWarning } from "./frontend.ts";
import { openScope } from "./global-args.ts";
import { imageConfig } from "./image-config.ts";
import type { DispatchOptions } from "./options.ts";
import type { DispatchResult, ImageDraft } from "./result.ts";
import { StageDispatcher } from "./stage-dispatcher.ts";
import { dependencies } from "./stage-plan.ts";
import type { StageState } from "./stage-state.ts";
import { planStages } from "./stages.ts";
import { unusedBuildArgs } from "./unused-args.ts";

/**
 * A parsed Dockerfile as a graph of vertices, and the image that the target stage becomes. Nothing is run; base images are
 * resolved to their digests and configs. What the checks find is left in the linter.
 *
 * Throws BuildError with the place in the Dockerfile, or the signal's reason.
 * Reference: BuildKit's dockerfile2llb, whose words, history rows and order of evaluation it keeps.
 */
export async function dispatch(dockerfile: Dockerfile, options: DispatchOptions): Promise<DispatchResult> {
  const scope = openScope(dockerfile, options);
  const graph = planStages(scope);
  const state = await new StageDispatcher(scope, graph).dispatchTarget();
  scope.linter.throwViolations();
  return {
    target: state.root,
    image: imageDraft(state, options),
    warnings: [...frontendWarning(scope), ...unusedBuildArgs(scope)],
    stages: graph.plans.map((plan) => ({ stage: plan.stage, needs: dependencies(plan) })),
    targetStage: graph.target.stage.index,
    globalArgs: scope.globalArgs,
  };
}

function imageDraft(state: StageState, options: DispatchOptions): ImageDraft {
  const { author, baseHistory, baseLayerCount } = state;
  const platform = options.isPlatformGiven ? forPlatform(state.platform, options.targetPlatform) : state.platform;
  const config = imageConfig({ ...state, labels: state.labels.withAll(Object.entries(options.labels)) });
  const history = toArray(state.history);
  return { platform, ...(author === undefined ? {} : { author }), config, history, baseHistory, baseLayerCount };
}

/** What the base says beyond architecture and system holds only if these are the same. */
function forPlatform(base: Platform, { os, architecture, ...target }: Platform): Platform {
  const isSame = base.os === os && base.architecture === architecture;
  return { ...(isSame ? base : {}), os, architecture, ...target };
}
