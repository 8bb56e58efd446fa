import { createRequire } from "node:module";
import type { Argument, Instruction as AstInstruction, Flag, ModifiableInstruction } from "dockerfile-ast";
import type { LogicalLine } from "./logical-line.ts";
import type { Position, SourceRange } from "./source.ts";

/** Which part of a word a caret is for; `option` is a key of a flag such as `--mount=type=bind,from=…`. */
export type CaretPart = "keyword" | "argument" | "flag" | "flag-name" | "flag-value" | { readonly option: string };

type AstRange = ReturnType<Argument["getRange"]>;

// Loaded with the first error: a build that goes well does not pay for it.
const loadAst = (): typeof import("dockerfile-ast") => createRequire(import.meta.url)("dockerfile-ast");

// dockerfile-ast takes seconds for megabytes; a caret is not worth that.
const MAX_TEXT = 65_536;

/**
 * The exact range for a caret under `part` of what stands at `own`, from dockerfile-ast. Only for reports: the reader is
 * the authority on text, and its own range is the answer wherever the two disagree or the tree cannot be had.
 */
export function caretRange(line: LogicalLine, own: SourceRange, part: CaretPart | undefined): SourceRange {
  if (part === undefined) return own;
  try {
    const found = findPart(line, own, part);
    return found !== undefined && isInside(found, own) ? found : own;
  } catch {
    // The tree's parser throws on some inputs that BuildKit accepts.
    return own;
  }
}

function findPart(line: LogicalLine, own: SourceRange, part: CaretPart): SourceRange | undefined {
  const parsed = parseInstructionText(line);
  if (parsed === undefined) return undefined;
  const toSource = (range: AstRange | null): SourceRange | undefined =>
    range === null ? undefined : sourceRange(range, own.file, parsed.firstLine);
  const { instruction } = parsed;
  if (part === "keyword") return toSource(instruction.getInstructionRange());
  if (part === "argument") {
    // The reader may have a whole line for a word; the tree then has its first.
    const starts = instruction.getArguments().map((argument) => toSource(argument.getRange()));
    return starts.find((range) => range !== undefined && samePlace(range.start, own.start));
  }
  const flag = flagsOf(instruction).find((candidate) => isSame(toSource(candidate.getRange()), own));
  return flag && toSource(partOf(flag, part));
}

function partOf(flag: Flag, part: CaretPart): AstRange | null {
  if (typeof part === "object") return flag.getOption(part.option)?.getRange() ?? null;
  if (part === "flag-value") return flag.getValueRange();
  // The name's own range leaves out the dashes.
  return part === "flag-name" ? { start: flag.getRange().start, end: flag.getNameRange().end } : flag.getRange();
}

function flagsOf(instruction: AstInstruction): readonly Flag[] {
  return "getFlags" in instruction ? (instruction as ModifiableInstruction).getFlags() : [];
}

/** The instruction alone, without heredoc bodies, is what the tree's parser reads. */
function parseInstructionText(line: LogicalLine): { instruction: AstInstruction; firstLine: number } | undefined {
  const first = line.segments[0];
  if (first === undefined) return undefined;
  const lines = line.source.text.split("\n", line.endLine).slice(line.startLine - 1);
  const text = lines.join("\n");
  // A lone CR is a line end to the tree and a blank to BuildKit.
  if (text.length > MAX_TEXT || /\r(?!\n|$)/.test(text)) return undefined;
  const head = line.escape === "`" ? "# escape=`\n" : "";
  const instruction = loadAst()
    .DockerfileParser.parse(head + text)
    .getInstructions()[0];
  return instruction === undefined ? undefined : { instruction, firstLine: line.startLine - (head === "" ? 0 : 1) };
}

function sourceRange(range: AstRange, file: string, firstLine: number): SourceRange {
  const { start, end } = range;
  return {
    file,
    start: { line: start.line + firstLine, column: start.character + 1 },
    end: { line: end.line + firstLine, column: end.character + 1 },
  };
}

function samePlace(a: Position, b: Position): boolean {
  return a.line === b.line && a.column === b.column;
}

function isSame(a: SourceRange | undefined, b: SourceRange): boolean {
  return a !== undefined && samePlace(a.start, b.start) && samePlace(a.end, b.end);
}

function isInside(inner: SourceRange, outer: SourceRange): boolean {
  const before = (a: Position, b: Position): boolean => a.line < b.line || (a.line === b.line && a.column <= b.column);
  return before(outer.start, inner.start) && before(inner.end, outer.end);
}
