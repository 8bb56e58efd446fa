import { Reference, RegistryError, referenceProblem } from "../../registry-client/index.ts";
import { quote } from "../dockerfile/index.ts";
import type { Word } from "../dockerfile/instructions.ts";
import { BuildError } from "../errors.ts";
import { suggest } from "../suggest.ts";
import { stageIndexes } from "./copy-source.ts";
import { findNamedContext } from "./named-contexts.ts";
import type { BuildScope } from "./scope.ts";
import type { StagePlan } from "./stage-plan.ts";

/** Refuses the names in FROM and `--from` that can be no image, also in stages the target does not need, as BuildKit does. */
export function checkImageNames(scope: BuildScope, plans: readonly StagePlan[]): void {
  for (const plan of plans) {
    for (const { name, word } of imageNames(plan)) {
      if (name === "scratch" || isNamedContext(scope, plan, name)) continue;
      const problem = parseProblem(name);
      if (problem !== undefined) throw withStageHint(invalidName(scope, name, word, problem), name, scope, word.range);
    }
  }
}

function imageNames({ base, stage, sources }: StagePlan): readonly { readonly name: string; readonly word: Word }[] {
  const own = base.type === "image" ? [{ name: base.name, word: stage.from.base }] : [];
  return [...own, ...sources.filter((source) => source.type === "image")];
}

function isNamedContext({ options }: BuildScope, { platform }: StagePlan, name: string): boolean {
  return findNamedContext(options, name, platform ?? options.targetPlatform) !== undefined;
}

function parseProblem(name: string): RegistryError | undefined {
  try {
    Reference.parse(name);
    return undefined;
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
}

function invalidName(scope: BuildScope, name: string, { range }: Word, cause: RegistryError): BuildError {
  const message = `failed to parse stage name ${quote(name)}: ${referenceProblem(name)}`;
  return new BuildError(cause.code, message, {
    range,
    source: scope.dockerfile.source,
    cause,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
  });
}

/** For a name that gave no image: the stage that it was perhaps meant to be. */
export function withStageHint(error: unknown, name: string, scope: BuildScope, range: Word["range"]): unknown {
  if (!(error instanceof BuildError)) return error;
  const near = nearStage(name, scope);
  if (near === undefined) return error;
  const guess = `did you mean the stage ${near}?`;
  const isMissing = error.code === "BASE_IMAGE_NOT_FOUND" || error.hint === undefined;
  return new BuildError(error.code, error.message, {
    range,
    source: scope.dockerfile.source,
    hint: isMissing ? guess : `${error.hint}; or ${guess}`,
    cause: error.cause,
  });
}

/** `FROM Base` does not find `AS Base`, whose name is `base`. */
function nearStage(name: string, scope: BuildScope): string | undefined {
  const stages = stageIndexes(scope);
  const wanted = name.toLowerCase();
  return stages.has(wanted) ? wanted : suggest(wanted, stages.keys());
}
