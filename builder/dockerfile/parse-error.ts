import { BuildError } from "../errors.ts";
import { type CaretPart, caretRange } from "./ast.ts";
import { type LogicalLine, rangeOf } from "./logical-line.ts";
import type { SourceRange } from "./source.ts";

/** The place of an error in a logical line: offsets, and which part of what stands there the caret is for. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly part?: CaretPart;
}

/** An error of the syntax. `place` undefined: the whole instruction. */
export function syntaxError(
  line: LogicalLine,
  code: string,
  message: string,
  place?: Place,
  hint?: string,
): BuildError {
  const { start, end, part } = place ?? { start: 0, end: line.text.length };
  const range = caretRange(line, rangeOf(line, start, end), part);
  return new BuildError(code, message, { hint, range, source: line.source });
}

/** An error in what an instruction asks for: BuildKit names the line in front of these. */
export function instructionError(
  line: LogicalLine,
  code: string,
  message: string,
  place?: Place,
  hint?: string,
): BuildError {
  return syntaxError(line, code, `dockerfile parse error on line ${line.startLine}: ${message}`, place, hint);
}

/** The same at a range that is known: a field of a flag. */
export function fieldError(line: LogicalLine, message: string, range: SourceRange, hint?: string): BuildError {
  const text = `dockerfile parse error on line ${line.startLine}: ${message}`;
  return new BuildError("INVALID_FLAG", text, { hint, range, source: line.source });
}
