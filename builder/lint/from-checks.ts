import { parsePlatform, Reference, RegistryError } from "../../registry-client/index.ts";
import type { Dockerfile, FromInstruction } from "../dockerfile/instructions.ts";
import { suggest } from "../suggest.ts";
import { type CheckedExpansion, inspectWord } from "./expansion.ts";
import type { Linter, Reporter } from "./linter.ts";
import {
  FROM_PLATFORM_FLAG_CONST_DISALLOWED,
  INVALID_DEFAULT_ARG_IN_FROM,
  REDUNDANT_TARGET_PLATFORM,
  UNDEFINED_ARG_IN_FROM,
} from "./rules.ts";

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

/** The words of one FROM. `globalArgs`: those that have a value. */
export function checkFrom(
  linter: Linter,
  dockerfile: Dockerfile,
  from: FromInstruction,
  globalArgs: ReadonlyMap<string, string>,
): void {
  const lint = linter.at(from.comments);
  reportUndefined(lint, dockerfile, from, globalArgs, inspectWord(from.base.text, globalArgs, dockerfile.directives));
  if (from.platform === undefined || from.platform.text === "") return;
  const platform = inspectWord(from.platform.text, globalArgs, dockerfile.directives);
  reportUndefined(lint, dockerfile, from, globalArgs, platform);
  checkPlatform(lint, from, from.platform.text, platform, globalArgs);
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

function reportUndefined(
  lint: Reporter,
  { globalArgs: declarations }: Dockerfile,
  { range }: FromInstruction,
  globalArgs: ReadonlyMap<string, string>,
  { unmatched }: CheckedExpansion,
): void {
  if (unmatched.size === 0) return;
  const declared = declarations.flatMap(({ args }) => args.map(({ key }) => key.text));
  const known = new Set([...declared, ...globalArgs.keys()]);
  for (const name of unmatched) {
    if (!known.has(name)) lint.report(UNDEFINED_ARG_IN_FROM, range, name, suggest(name, known) ?? "");
  }
}

function checkPlatform(
  lint: Reporter,
  { range, stageName = "" }: FromInstruction,
  text: string,
  { words, matched, unmatched }: CheckedExpansion,
  globalArgs: ReadonlyMap<string, string>,
): void {
  const platform = words?.[0];
  if (platform === undefined || unmatched.size > 0) return;
  if (matched.size === 1 && matched.has("TARGETPLATFORM") && platform === globalArgs.get("TARGETPLATFORM")) {
    lint.report(REDUNDANT_TARGET_PLATFORM, range, text);
  }
  if (matched.size === 0 && isConstant(platform, stageName)) {
    lint.report(FROM_PLATFORM_FLAG_CONST_DISALLOWED, range, platform);
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
