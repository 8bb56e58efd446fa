import { parsePlatform, Reference, RegistryError } from "../../registry-client/index.ts";
import type { Directives, Dockerfile, FromInstruction } from "../dockerfile/instructions.ts";
import { type CheckedExpansion, inspectWord } from "./expansion.ts";
import type { Linter, Reporter } from "./linter.ts";
import {
  FROM_PLATFORM_FLAG_CONST_DISALLOWED,
  INVALID_DEFAULT_ARG_IN_FROM,
  REDUNDANT_TARGET_PLATFORM,
  UNDEFINED_ARG_IN_FROM,
} from "./rules.ts";
import { suggestName } from "./suggested-name.ts";

/**
 * Whether every FROM names an image when no `--build-arg` is given. `predefined`: the platform arguments. A default that
 * cannot be expanded ends the check: the dispatch reports it.
 */
export function checkDefaultBases(
  linter: Linter,
  dockerfile: Dockerfile,
  predefined: ReadonlyMap<string, string>,
): void {
  const args = defaultArgs(dockerfile, predefined);
  if (args === undefined) return;
  for (const { from } of dockerfile.stages) {
    const name = inspectWord(from.base.text, args, dockerfile.directives).words?.[0];
    if (name === undefined) return;
    if (isImageName(name)) continue;
    linter.at(from.comments).report(INVALID_DEFAULT_ARG_IN_FROM, from.range, from.base.text);
  }
}

/** Checks the words of FROM. */
export class FromChecks {
  readonly #linter: Linter;
  readonly #directives: Directives;
  readonly #globalArgs: ReadonlyMap<string, string>;
  /** Those without a value are declared, too. */
  readonly #declared: ReadonlySet<string>;

  /** `globalArgs`: those that have a value. */
  constructor(linter: Linter, dockerfile: Dockerfile, globalArgs: ReadonlyMap<string, string>) {
    this.#linter = linter;
    this.#directives = dockerfile.directives;
    this.#globalArgs = globalArgs;
    const names = dockerfile.globalArgs.flatMap(({ args }) => args.map(({ key }) => key.text));
    this.#declared = new Set([...names, ...globalArgs.keys()]);
  }

  check(from: FromInstruction): void {
    const lint = this.#linter.at(from.comments);
    this.#reportUndefined(lint, from, this.#inspect(from.base.text));
    if (from.platform === undefined || from.platform.text === "") return;
    const platform = this.#inspect(from.platform.text);
    this.#reportUndefined(lint, from, platform);
    this.#checkPlatform(lint, from, from.platform.text, platform);
  }

  #inspect(text: string): CheckedExpansion {
    return inspectWord(text, this.#globalArgs, this.#directives);
  }

  #reportUndefined(lint: Reporter, { range }: FromInstruction, { unmatched }: CheckedExpansion): void {
    for (const name of unmatched) {
      if (!this.#declared.has(name)) lint.report(UNDEFINED_ARG_IN_FROM, range, name, suggestName(name, this.#declared));
    }
  }

  #checkPlatform(
    lint: Reporter,
    { range, stageName = "" }: FromInstruction,
    text: string,
    { words, matched, unmatched }: CheckedExpansion,
  ): void {
    const platform = words?.[0];
    if (platform === undefined || unmatched.size > 0) return;
    const target = this.#globalArgs.get("TARGETPLATFORM");
    if (matched.size === 1 && matched.has("TARGETPLATFORM") && platform === target) {
      lint.report(REDUNDANT_TARGET_PLATFORM, range, text);
    }
    if (matched.size === 0 && isConstant(platform, stageName)) {
      lint.report(FROM_PLATFORM_FLAG_CONST_DISALLOWED, range, platform);
    }
  }
}

/** Global ARGs by their defaults alone, each seeing those before it. */
function defaultArgs(
  { globalArgs, directives }: Dockerfile,
  predefined: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> | undefined {
  const args = new Map(predefined);
  for (const { key, value } of globalArgs.flatMap((instruction) => instruction.args)) {
    if (value === undefined) continue;
    const known = inspectWord(value.text, args, directives).words?.[0];
    if (known === undefined) return undefined;
    args.set(key.text, known);
  }
  return args;
}

function isImageName(name: string): boolean {
  try {
    Reference.parse(name);
    return true;
  } catch (error) {
    if (error instanceof RegistryError) return false;
    throw error;
  }
}

/** A stage that is named after the platform is meant to be for it alone. */
function isConstant(platform: string, stageName: string): boolean {
  try {
    const { os, architecture } = parsePlatform(platform);
    return !stageName.includes(os) && !stageName.includes(architecture);
  } catch (error) {
    if (error instanceof RegistryError) return false;
    throw error;
  }
}
