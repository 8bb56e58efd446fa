import type { SourceFile, SourceRange } from "./dockerfile/source.ts";
import { cutText, type LaidOutText, layOut } from "./text-layout.ts";

const MAX_COLUMNS = 120;
// A longer range shows its head and its tail.
const MAX_LINES = 8;
const HEAD_LINES = 5;

export interface SourceFrameOptions {
  /** ANSI colours. Default false. */
  readonly color?: boolean;
}

/**
 * The place of an error as a person reads it: file and position, the lines of the range with one on either side, and
 * carets under what is meant. A range over several lines is marked at the bar instead. Columns are right with tabs and wide
 * characters; long lines are cut around the carets; control characters do not reach the terminal. No newline at the end.
 */
export function renderSourceFrame(source: SourceFile, range: SourceRange, options: SourceFrameOptions = {}): string {
  const paint = options.color === true ? ANSI : PLAIN;
  const lines = source.text
    .replace(/\n$/, "")
    .split("\n", range.end.line + 1)
    .map((line) => line.replace(/\r+$/, ""));
  const gutter = String(Math.min(range.end.line + 1, lines.length)).length;
  const bar = (label: string): string => paint.dim(`${label.padStart(gutter)} │`);
  const { file, start } = range;
  const rows = [`${" ".repeat(gutter)} ${paint.dim("┌─")} ${file}:${start.line}:${start.column}`];
  for (const number of shownLines(range, lines.length)) {
    if (number === undefined) rows.push(bar("⋮"));
    else rows.push(...renderLine({ bar, paint, range, number, text: lines[number - 1] ?? "" }));
  }
  return rows.join("\n");
}

interface Paint {
  dim(text: string): string;
  mark(text: string): string;
}

const PLAIN: Paint = { dim: (text) => text, mark: (text) => text };
const ANSI: Paint = {
  dim: (text) => `\u001b[2m${text}\u001b[22m`,
  mark: (text) => `\u001b[1;31m${text}\u001b[22;39m`,
};

/** undefined: lines that are left out. */
function shownLines({ start, end }: SourceRange, count: number): (number | undefined)[] {
  const first = Math.max(1, start.line - 1);
  const last = Math.min(count, end.line + 1);
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
  if (all.length <= MAX_LINES + 2) return all;
  return [...all.slice(0, HEAD_LINES + 1), undefined, ...all.slice(HEAD_LINES - MAX_LINES)];
}

interface Row {
  readonly bar: (label: string) => string;
  readonly paint: Paint;
  readonly range: SourceRange;
  readonly number: number;
  readonly text: string;
}

function renderLine({ bar, paint, range, number, text }: Row): readonly string[] {
  const laidOut = layOut(text);
  const isMarked = number >= range.start.line && number <= range.end.line;
  const label = bar(String(number));
  if (!isMarked) return [`${label} ${cutText(laidOut, 0, MAX_COLUMNS)}`.trimEnd()];
  if (range.end.line > range.start.line) return [`${label}${paint.mark(">")}${cutText(laidOut, 0, MAX_COLUMNS)}`];
  return renderCarets(laidOut, range, label, `${bar("")} `, paint);
}

function renderCarets(
  text: LaidOutText,
  range: SourceRange,
  label: string,
  indent: string,
  paint: Paint,
): readonly string[] {
  const from = text.columnAt(range.start.column - 1);
  const to = Math.max(from + 1, text.columnAt(range.end.column - 1));
  const left = windowStart(text.width, from, to);
  const carets = "^".repeat(Math.max(1, Math.min(to, left + MAX_COLUMNS) - from));
  return [
    `${label} ${cutText(text, left, MAX_COLUMNS)}`.trimEnd(),
    `${indent}${" ".repeat(from - left)}${paint.mark(carets)}`,
  ];
}

/** The first column to show so that the carets, or their beginning, are in view. */
function windowStart(width: number, from: number, to: number): number {
  if (width <= MAX_COLUMNS || to <= MAX_COLUMNS) return 0;
  const margin = Math.max(8, Math.floor((MAX_COLUMNS - (to - from)) / 2));
  return Math.max(0, Math.min(from - margin, width - MAX_COLUMNS));
}
