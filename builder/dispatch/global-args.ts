import type { Dockerfile } from "../dockerfile/instructions.ts";
import { checkDefaultBases, openLinter, StageChecks } from "../lint/index.ts";
import { expandWord } from "./expand-word.ts";
import type { DispatchOptions } from "./options.ts";
import { platformArgs } from "./platform-args.ts";
import { proxyEnv } from "./proxy-env.ts";
import type { BuildScope } from "./scope.ts";

/** The scope before the first FROM: its ARGs see each other and the platform arguments, `--build-arg` overrides all. */
export function openScope(dockerfile: Dockerfile, options: DispatchOptions): BuildScope {
  const targetStage = options.target || dockerfile.stages.at(-1)?.name;
  const globalArgs = platformArgs(options.buildPlatform, options.targetPlatform, targetStage, options.buildArgs);
  const linter = options.linter ?? openLinter(dockerfile.source, options.buildArgs);
  const { ignore } = options.context;
  const checks = new StageChecks(linter, { ...dockerfile.directives, buildArgs: options.buildArgs, ignore });
  checkDefaultBases(linter, dockerfile, globalArgs);
  const scope: BuildScope = {
    dockerfile,
    options,
    globalArgs,
    proxyEnv: proxyEnv(options.buildArgs),
    linter,
    observers: [checks, ...(options.observer === undefined ? [] : [options.observer])],
    declaredArgs: new Set(),
  };
  for (const { key, value } of dockerfile.globalArgs.flatMap(({ args }) => args)) {
    const given = Object.hasOwn(options.buildArgs, key.text) ? options.buildArgs[key.text] : undefined;
    const known = given ?? (value === undefined ? undefined : expandWord(scope, value, globalArgs));
    if (known !== undefined) globalArgs.set(key.text, known);
  }
  return scope;
}
