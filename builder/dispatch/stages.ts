import { type Platform, parsePlatform, RegistryError } from "../../registry-client/index.ts";
import type { Stage, Word } from "../dockerfile/instructions.ts";
import { FromChecks } from "../lint/index.ts";
import { suggest } from "../suggest.ts";
import { copySources, stageIndexes } from "./copy-source.ts";
import { expandWord, unmatchedNames } from "./expand-word.ts";
import { checkImageNames } from "./image-names.ts";
import { findNamedContext } from "./named-contexts.ts";
import { type BuildScope, failure } from "./scope.ts";
import { checkNoCycle } from "./stage-cycles.ts";
import { dependencies, type StageBase, type StagePlan } from "./stage-plan.ts";

export interface StageGraph {
  readonly plans: readonly StagePlan[];
  readonly target: StagePlan;
  /** In the order of the file: what the target needs, and the target. */
  readonly reachable: readonly StagePlan[];
}

/** FROM lines as a graph: every stage is checked, also those the target does not need, as BuildKit does. */
export function planStages(scope: BuildScope): StageGraph {
  const { stages } = scope.dockerfile;
  if (stages.length === 0) {
    throw failure(scope, endOfFile(scope), "NO_STAGES", "dockerfile contains no stages to build", "begin with a FROM");
  }
  const bases = planBases(scope);
  const { index } = findTarget(scope);
  const named = withSources(scope, bases);
  checkNoCycle(scope, named);
  const plans = withDisplayNames(named);
  checkImageNames(scope, plans);
  const target = plans[index];
  if (target === undefined) throw new Error(`no stage ${index}`);
  return { plans, target, reachable: scope.options.allStages === true ? plans : reachableFrom(target, plans) };
}

/** Without what the instructions read. */
function planBases(scope: BuildScope): readonly StagePlan[] {
  const names = new Map<string, number>();
  const checks = new FromChecks(scope.linter, scope.dockerfile, scope.globalArgs);
  return scope.dockerfile.stages.map((stage): StagePlan => {
    checks.check(stage.from);
    const plan = planStage(scope, stage, names);
    if (stage.name !== undefined) names.set(stage.name, stage.index);
    return plan;
  });
}

function withSources(scope: BuildScope, plans: readonly StagePlan[]): readonly StagePlan[] {
  const names = stageIndexes(scope);
  return plans.map((plan) => ({ ...plan, sources: copySources(scope, plan.stage, names) }));
}

function planStage(scope: BuildScope, stage: Stage, names: ReadonlyMap<string, number>): StagePlan {
  const name = baseName(scope, stage);
  const platform = stagePlatform(scope, stage);
  const displayName = stage.name ?? `stage-${stage.index}`;
  const base = replacement(scope, stage, platform) ?? stageBase(name, names);
  return { stage, displayName, base, sources: [], ...(platform === undefined ? {} : { platform }) };
}

function baseName(scope: BuildScope, { from }: Stage): string {
  const name = expandWord(scope, from.base, scope.globalArgs);
  if (name !== "") return name;
  const hint = "give the ARG a default before the first FROM, or a value with --build-arg";
  throw failure(scope, from.base.range, "BLANK_BASE_NAME", `base name (${from.base.text}) should not be blank`, hint);
}

function stagePlatform(scope: BuildScope, { from }: Stage): Platform | undefined {
  const word = from.platform;
  if (word === undefined || word.text === "") return undefined;
  const text = expandWord(scope, word, scope.globalArgs);
  if (text === "") throw invalidPlatform(scope, word, `empty platform value from expression ${word.text}`);
  try {
    return parsePlatform(text);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw invalidPlatform(scope, word, `failed to parse platform ${word.text}: ${error.message}`, error.hint);
  }
}

/** A variable that is not set is the likely cause. */
function invalidPlatform(scope: BuildScope, word: Word, message: string, hint?: string): Error {
  const names = [...unmatchedNames(scope, word, scope.globalArgs)];
  const near = names.map((name) => suggest(name, scope.globalArgs.keys())).find((name) => name !== undefined);
  return failure(scope, word.range, "INVALID_PLATFORM", message, near === undefined ? hint : `did you mean ${near}?`);
}

function replacement(
  { options }: BuildScope,
  { name }: Stage,
  platform: Platform = options.targetPlatform,
): StageBase | undefined {
  const context = name === undefined ? undefined : findNamedContext(options, name, platform);
  return name === undefined || context === undefined ? undefined : { type: "replaced", name, context };
}

/** The name of an earlier stage is compared as written: `FROM Base` does not find `AS Base`, which is `base`. */
function stageBase(name: string, names: ReadonlyMap<string, number>): StageBase {
  const index = names.get(name);
  if (index !== undefined) return { type: "stage", index };
  return name === "scratch" ? { type: "scratch" } : { type: "image", name };
}

/** A stage that is alone, and reads no image, needs no name. */
function withDisplayNames(plans: readonly StagePlan[]): readonly StagePlan[] {
  const [only, ...others] = plans;
  const isAlone = others.length === 0 && only?.sources.every((source) => source.type === "stage");
  return isAlone ? plans.map((plan) => ({ ...plan, displayName: "" })) : plans;
}

/** Looked for before what the stages read, as BuildKit does: a slip of the pen here is the first thing to be told. */
function findTarget(scope: BuildScope): Stage {
  const { stages } = scope.dockerfile;
  const { target = "" } = scope.options;
  const wanted = target.toLowerCase();
  const stage = wanted === "" ? stages.at(-1) : stages.findLast(({ name }) => name === wanted);
  if (stage !== undefined) return stage;
  throw unknownTarget(scope, target);
}

function unknownTarget(scope: BuildScope, target: string): Error {
  const names = [...stageIndexes(scope).keys()];
  const near = suggest(target.toLowerCase(), names);
  const guess = near === undefined ? "" : ` (did you mean ${near}?)`;
  const known = names.length > 0 ? `the stages are ${names.join(", ")}` : "no FROM has a name: add AS name";
  const hint = indexHint(scope, target) ?? known;
  const last = scope.dockerfile.stages.at(-1);
  const range = last?.from.range ?? endOfFile(scope);
  return failure(
    scope,
    range,
    "UNKNOWN_STAGE",
    `target stage ${JSON.stringify(target)} could not be found${guess}`,
    hint,
  );
}

/** COPY --from takes the index of a stage; a target has a name. */
function indexHint({ dockerfile }: BuildScope, target: string): string | undefined {
  const stage = /^\d+$/.test(target) ? dockerfile.stages[Number(target)] : undefined;
  if (stage === undefined) return undefined;
  return stage.name === undefined
    ? `a target is a name: add "AS name" to the FROM of stage ${target}`
    : `a target is a name: stage ${target} is ${stage.name}`;
}

function reachableFrom(target: StagePlan, plans: readonly StagePlan[]): readonly StagePlan[] {
  const seen = new Set<StagePlan>();
  const waiting = [target];
  for (let plan = waiting.pop(); plan !== undefined; plan = waiting.pop()) {
    if (seen.has(plan)) continue;
    seen.add(plan);
    for (const index of dependencies(plan)) waiting.push(...plans.slice(index, index + 1));
  }
  return plans.filter((plan) => seen.has(plan));
}

function endOfFile(scope: BuildScope): Word["range"] {
  const lines = scope.dockerfile.source.text.split("\n");
  const line = Math.max(1, lines.length - (lines.at(-1) === "" ? 1 : 0));
  const column = (lines[line - 1]?.length ?? 0) + 1;
  return { file: scope.dockerfile.source.file, start: { line, column: 1 }, end: { line, column } };
}
