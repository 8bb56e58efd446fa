import type { Word } from "./instructions.ts";
import type { Position, SourceFile, SourceRange } from "./source.ts";

/** A piece of a physical line inside a logical one. */
export interface Segment {
  /** Where the piece begins in the logical text. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** An instruction's text, continuations joined and comments dropped, that knows where each unit of it stands in the file. */
export interface LogicalLine {
  readonly source: SourceFile;
  readonly escape: "\\" | "`";
  readonly text: string;
  /** Ascending by offset, at least one. */
  readonly segments: readonly Segment[];
  readonly startLine: number;
  /** The last physical line that was read for it, heredoc bodies not included. */
  readonly endLine: number;
  /** The comment lines directly above, without `#`. */
  readonly comments: readonly string[];
  /** A blank line stood inside a continuation. */
  readonly hasEmptyContinuation: boolean;
}

/** A piece of a logical line: what it says, and the offsets it stands at. `text` may differ from the line's by quotes and escapes. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The token that is `text[start, end)` as it stands. */
export function tokenOf(text: string, start: number, end: number): Token {
  return { text: text.slice(start, end), start, end };
}

/** Where `text[start, end)` of the line stands in the file. */
export function rangeOf(line: LogicalLine, start: number, end: number): SourceRange {
  const first = positionAt(line, start);
  if (end <= start) return { file: line.source.file, start: first, end: first };
  // The last unit decides: the end of a physical line is not the start of the next.
  const last = positionAt(line, end - 1);
  return { file: line.source.file, start: first, end: { line: last.line, column: last.column + 1 } };
}

/** The token with its place in the file. */
export function wordOf(line: LogicalLine, token: Token): Word {
  return { text: token.text, range: rangeOf(line, token.start, token.end) };
}

function positionAt(line: LogicalLine, offset: number): Position {
  const segment = segmentAt(line.segments, offset);
  return { line: segment.line, column: segment.column + offset - segment.offset };
}

function segmentAt(segments: readonly Segment[], offset: number): Segment {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((segments[middle]?.offset ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return segments[low] ?? { offset: 0, line: 1, column: 1 };
}
