import type { StageInstruction, Word } from "../dockerfile/instructions.ts";
import { type Edge, emptyRoot } from "../llb/index.ts";
import { imageEdge, imageTitle } from "./base.ts";
import { BaseImages, type BaseSource } from "./base-images.ts";
import { filesEdge } from "./context-edge.ts";
import { type CopySource, copySource, mountSource, stageIndexes } from "./copy-source.ts";
import { dispatchInstruction, isStep } from "./dispatch-instruction.ts";
import { withStageHint } from "./image-names.ts";
import { parseTriggers } from "./onbuild.ts";
import { type BuildScope, failure, located } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import type { StagePlan } from "./stage-plan.ts";
import { type StageStart, startFromSource, startFromStage } from "./stage-start.ts";
import type { StageState } from "./stage-state.ts";
import type { StageGraph } from "./stages.ts";
import { internalName } from "./vertex-name.ts";

/** Turns the stages of one Dockerfile into graph, each once and only those that are asked for. */
export class StageDispatcher {
  readonly #scope: BuildScope;
  readonly #graph: StageGraph;
  readonly #images: BaseImages;
  readonly #stageIndexes: ReadonlyMap<string, number>;
  readonly #states = new Map<StagePlan, Promise<StageState>>();

  constructor(scope: BuildScope, graph: StageGraph) {
    this.#scope = scope;
    this.#graph = graph;
    this.#images = new BaseImages(scope);
    this.#stageIndexes = stageIndexes(scope);
  }

  /** The target at its end. Base images are asked for at once; stages follow in the order of the file. */
  async dispatchTarget(): Promise<StageState> {
    for (const plan of this.#graph.reachable) this.#askAhead(plan);
    for (const plan of this.#graph.reachable) await this.#stateOf(plan);
    return await this.#stateOf(this.#graph.target);
  }

  /** Failures are left to the instruction that needs the image: it has the place, and may never be reached. */
  #askAhead(plan: StagePlan): void {
    if (plan.base.type !== "stage") this.#source(plan).catch(() => {});
    if (plan.base.type === "replaced") return;
    for (const source of plan.sources) {
      if (source.type === "image") this.#images.find(source.name, undefined, source.word.range).catch(() => {});
    }
  }

  #stateOf(plan: StagePlan): Promise<StageState> {
    const known = this.#states.get(plan);
    if (known !== undefined) return known;
    const started = this.#dispatch(plan);
    this.#states.set(plan, started);
    return started;
  }

  async #dispatch(plan: StagePlan): Promise<StageState> {
    this.#scope.options.signal?.throwIfAborted();
    const start = await this.#start(plan);
    if (plan.base.type === "replaced") return start.open(start.steps);
    const triggers = parseTriggers(this.#scope, start.onbuild, plan.stage.from.range);
    const { instructions } = plan.stage;
    const parent = plan.base.type === "stage" ? plan.base.index : undefined;
    for (const observer of this.#scope.observers) observer.openStage(plan.stage, parent);
    const total = [...triggers, ...instructions].filter(isStep).length + start.steps;
    const copySource = (from: Word) => this.#copySource(plan, from);
    const mountSource = (from: Word, target: string) => this.#mountSource(plan, from, target);
    const context = { scope: stageScope(this.#scope, plan), plan, total, copySource, mountSource };
    const triggered = await dispatchAll(start.open(total), triggers, { ...context, isTrigger: true });
    return await dispatchAll(triggered, instructions, { ...context, isTrigger: false });
  }

  async #start(plan: StagePlan): Promise<StageStart> {
    if (plan.base.type === "stage") return startFromStage(await this.#stateAt(plan.base.index));
    return startFromSource(plan, await this.#source(plan), this.#scope.options.targetPlatform);
  }

  async #source({ base, stage, platform }: StagePlan): Promise<BaseSource> {
    const { range } = stage.from.base;
    switch (base.type) {
      case "replaced":
        return await this.#images.open(base.name, base.context, platform, range);
      case "image":
      case "scratch":
        return await this.#find(base.type === "image" ? base.name : "scratch", stage.from.base, platform);
      case "stage":
        throw new Error("a stage is no source outside the Dockerfile");
    }
  }

  async #find(name: string, { range }: Word, platform?: StagePlan["platform"]): Promise<BaseSource> {
    try {
      return await this.#images.find(name, platform, range);
    } catch (error) {
      throw withStageHint(error, name, this.#scope, range);
    }
  }

  #stateAt(index: number): Promise<StageState> {
    const plan = this.#graph.plans[index];
    if (plan === undefined) throw new Error(`no stage ${index}`);
    return this.#stateOf(plan);
  }

  /** The files that `--from` names: of an earlier stage, else of an image or a named context. */
  async #copySource(plan: StagePlan, from: Word): Promise<Edge> {
    const source = copySource(this.#scope, from, this.#stageIndexes);
    const current = JSON.stringify(plan.displayName);
    const message = `cannot copy from stage ${JSON.stringify(from.text)}, it needs to be defined before current stage ${current}`;
    return await this.#sourceEdge(plan, source, message);
  }

  async #mountSource(plan: StagePlan, from: Word, target: string): Promise<Edge> {
    const message = `cannot mount from stage ${JSON.stringify(from.text)} to ${JSON.stringify(target)}, stage needs to be defined before current command`;
    return await this.#sourceEdge(plan, mountSource(from, this.#stageIndexes), message);
  }

  /** `tooLate` is said of a stage that comes later. */
  async #sourceEdge(plan: StagePlan, source: CopySource, tooLate: string): Promise<Edge> {
    const { word } = source;
    if (source.type === "image") return sourceEdge(await this.#find(source.name, word), word);
    if (source.index < plan.stage.index) return (await this.#stateAt(source.index)).root;
    const hint = "move the stage it reads from further up";
    throw failure(this.#scope, word.range, "STAGE_NOT_DEFINED_YET", tooLate, hint);
  }
}

/** `--no-cache-filter` names the stage: for it the build has no cache. */
function stageScope(scope: BuildScope, { stage }: StagePlan): BuildScope {
  const isFiltered = stage.name !== undefined && scope.options.noCacheStages?.has(stage.name) === true;
  return isFiltered ? { ...scope, options: { ...scope.options, noCache: true } } : scope;
}

function sourceEdge(source: BaseSource, { range }: Word): Edge {
  switch (source.type) {
    case "scratch":
      return emptyRoot();
    case "image":
      return imageEdge(source.image, imageTitle(source.image), range);
    case "files":
      return filesEdge(source.name, source.context, internalName(`load from context ${source.name}`), range);
  }
}

async function dispatchAll(
  start: StageState,
  instructions: readonly StageInstruction[],
  context: StageContext,
): Promise<StageState> {
  let state = start;
  for (const instruction of instructions) {
    try {
      for (const observer of context.scope.observers)
        observer.beforeInstruction(context.plan.stage, instruction, state);
      state = await dispatchInstruction(state, instruction, context);
    } catch (error) {
      throw located(error, context.scope, instruction.range);
    }
  }
  return state;
}
