import {
  type Instruction,
  parseInstruction,
  quote,
  type SourceRange,
  type StageInstruction,
} from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import { type BuildScope, failure } from "./scope.ts";

/** The triggers that ONBUILD of a base left behind, as instructions that stand at the FROM that runs them. */
export function parseTriggers(
  scope: BuildScope,
  triggers: readonly string[],
  range: SourceRange,
): readonly StageInstruction[] {
  return triggers.map((trigger) => {
    const instruction = readTrigger(scope, trigger, range);
    if (instruction.keyword !== "FROM") return relocate(instruction, range);
    throw failure(scope, range, "INVALID_ONBUILD", "FROM isn't allowed as an ONBUILD trigger");
  });
}

/** A trigger is read on its own: the escape directive of this file does not hold in it. */
function readTrigger(scope: BuildScope, trigger: string, range: SourceRange): Instruction {
  try {
    return parseInstruction(trigger);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    const hint = `it is the trigger ${quote(trigger)} that ONBUILD of the base left`;
    throw failure(scope, range, error.code, triggerMessage(error), hint);
  }
}

/** As BuildKit says it: no line, since the trigger has none in this file, and with what was perhaps meant. */
function triggerMessage({ message, hint }: BuildError): string {
  const meant = /^did you mean (?:--)?(.*)\?$/.exec(hint ?? "")?.[1];
  const told = message.replace(/^dockerfile parse error on line \d+: /, "");
  return meant === undefined ? told : `${told} (did you mean ${meant}?)`;
}

/** Everything that has a place gets this one. */
function relocate<T>(value: T, range: SourceRange): T {
  if (Array.isArray(value)) return value.map((item: unknown) => relocate(item, range)) as T;
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => [key, key === "range" ? range : relocate(item, range)]);
  return Object.fromEntries(entries) as T;
}
