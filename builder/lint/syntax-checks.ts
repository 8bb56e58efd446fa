import type { Dockerfile, FromInstruction, Instruction } from "../dockerfile/instructions.ts";
import { parseDockerfile } from "../dockerfile/parse.ts";
import type { SourceFile, SourceRange } from "../dockerfile/source.ts";
import { lastDescription } from "./description.ts";
import type { Linter, Reporter } from "./linter.ts";
import {
  CONSISTENT_INSTRUCTION_CASING,
  DUPLICATE_STAGE_NAME,
  FROM_AS_CASING,
  INVALID_DEFINITION_DESCRIPTION,
  MAINTAINER_DEPRECATED,
  NO_EMPTY_CONTINUATION,
  RESERVED_STAGE_NAME,
  STAGE_NAME_CASING,
} from "./rules.ts";

const RESERVED_STAGES: ReadonlySet<string> = new Set(["context", "scratch"]);

/** Parses a Dockerfile and checks what its text alone tells. Throws as parseDockerfile, after what is above the error is checked. */
export function parseAndCheck(source: SourceFile, linter: Linter): Dockerfile {
  const dockerfile = parseChecked(source, linter);
  checkStageNames(linter, dockerfile);
  checkCasing(linter, dockerfile);
  return dockerfile;
}

function parseChecked(source: SourceFile, linter: Linter): Dockerfile {
  const instructions: Instruction[] = [];
  try {
    return parseDockerfile(source.text, source.file, (instruction) => instructions.push(instruction));
  } finally {
    for (const instruction of instructions) checkContinuation(linter, instruction);
    for (const instruction of instructions) checkSyntax(linter, instruction);
  }
}

function checkContinuation(linter: Linter, instruction: Instruction): void {
  if (instruction.hasEmptyContinuation !== true) return;
  linter.at(instruction.comments).report(NO_EMPTY_CONTINUATION, lastLine(instruction));
}

function checkSyntax(linter: Linter, instruction: Instruction): void {
  const lint = linter.at(instruction.comments);
  if (instruction.keyword === "MAINTAINER") lint.report(MAINTAINER_DEPRECATED, instruction.range);
  if (instruction.keyword === "FROM") checkFromSyntax(lint, instruction);
  if (instruction.keyword === "ARG") {
    const names = instruction.args.map(({ key }) => key.text);
    checkDescription(lint, instruction, names);
  }
}

function checkFromSyntax(lint: Reporter, instruction: FromInstruction): void {
  const { range, keywordWord, stageName, stageNameWord, original } = instruction;
  if (stageName === undefined || stageNameWord === undefined) return;
  if (stageNameWord.text !== stageName) lint.report(STAGE_NAME_CASING, range, stageNameWord.text);
  const as =
    original
      .trim()
      .split(/[\t\v\f\r ]+/)
      .at(-2) ?? "";
  const expected = sameCase(keywordWord.text, as);
  if (expected !== undefined && as !== expected) lint.report(FROM_AS_CASING, range, keywordWord.text, as);
  checkDescription(lint, instruction, [stageName]);
}

/** `word` in the case of `model`; undefined: it is of mixed case. */
function sameCase(model: string, word: string): string | undefined {
  if (model === model.toLowerCase()) return word.toLowerCase();
  return model === model.toUpperCase() ? word.toUpperCase() : undefined;
}

/** The last comment line directly above is taken for a description, which begins with a name. */
function checkDescription(lint: Reporter, { comments, keyword, range }: Instruction, names: readonly string[]): void {
  const comment = lastDescription(comments);
  const [only, ...others] = names;
  if (comment === undefined || only === undefined || names.some((name) => comment.split(" ", 1)[0] === name)) return;
  lint.report(INVALID_DEFINITION_DESCRIPTION, range, keyword, others.length > 0 ? "<arg_key>" : only);
}

/** The last line of the instruction, not counting heredoc bodies. */
function lastLine(instruction: Instruction): SourceRange {
  const body = firstHeredoc(instruction);
  const line = body === undefined ? instruction.range.end.line : body.start.line - 1;
  return { file: instruction.range.file, start: { line, column: 1 }, end: { line, column: 1 } };
}

function firstHeredoc(instruction: Instruction): SourceRange | undefined {
  switch (instruction.keyword) {
    case "RUN":
      return instruction.command.form === "shell" ? instruction.command.heredocs[0]?.range : undefined;
    case "ADD":
    case "COPY":
      return instruction.heredocs[0]?.range;
    case "ONBUILD":
      return instruction.trigger === undefined ? undefined : firstHeredoc(instruction.trigger);
    default:
      return undefined;
  }
}

function checkStageNames(linter: Linter, { stages }: Dockerfile): void {
  const seen = new Set<string>();
  for (const { name, from } of stages) {
    if (name === undefined) continue;
    const lint = linter.at(from.comments);
    if (RESERVED_STAGES.has(name)) lint.report(RESERVED_STAGE_NAME, from.range, name);
    if (seen.has(name)) lint.report(DUPLICATE_STAGE_NAME, from.range, name);
    seen.add(name);
  }
}

/** Keywords of mixed case have no vote; as many upper as lower means upper. ARG before the first FROM is not looked at. */
function checkCasing(linter: Linter, { stages }: Dockerfile): void {
  const instructions = stages.flatMap(({ from, instructions }) => [from, ...instructions]);
  const keywords = instructions.map(({ keywordWord }) => keywordWord.text);
  const lower = keywords.filter((keyword) => keyword === keyword.toLowerCase()).length;
  const upper = keywords.filter((keyword) => keyword === keyword.toUpperCase()).length;
  const casing = lower > upper ? "lowercase" : "uppercase";
  for (const { keywordWord, range, comments } of instructions) {
    const { text } = keywordWord;
    const expected = casing === "lowercase" ? text.toLowerCase() : text.toUpperCase();
    if (text !== expected) linter.at(comments).report(CONSISTENT_INSTRUCTION_CASING, range, text, casing);
  }
}
