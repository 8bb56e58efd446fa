import type { SourceFile, SourceRange } from "../index.ts";
import { printable } from "./printable.ts";

const RULER = "--------------------";
const LINES = new WeakMap<SourceFile, readonly string[]>();

/**
 * The lines of a range as BuildKit frames them: file and line, a ruler, the lines with `>>>` before those meant and a few
 * around them, a ruler. Ends in a newline; "" for a place that is not in the file. BuildKit solver/errdefs/source.go.
 */
export function renderLineFrame(source: SourceFile, { start, end }: SourceRange): string {
  const lines = linesOf(source);
  if (start.line < 1 || start.line > lines.length) return "";
  const last = Math.min(end.line, lines.length);
  const shown = widen(start.line, last, lines.length);
  const rows = lines.slice(shown.first - 1, shown.last).map((text, index) => {
    const number = shown.first + index;
    const mark = number >= start.line && number <= last ? ">>>" : "   ";
    return ` ${String(number).padStart(3)} | ${mark} ${printable(text.replace(/\r+$/, ""))}\n`;
  });
  return `${source.file}:${start.line}\n${RULER}\n${rows.join("")}${RULER}\n`;
}

/** A file may have as many warnings as lines: it is cut once. */
function linesOf(source: SourceFile): readonly string[] {
  const known = LINES.get(source);
  if (known !== undefined) return known;
  const lines = source.text.split("\n");
  LINES.set(source, lines);
  return lines;
}

/** A line goes to either side in turn, but for the ends of the file; a range of one line gets more. */
function widen(start: number, end: number, count: number): { readonly first: number; readonly last: number } {
  const padding = start === end ? 4 : 2;
  let [first, last] = [start, end];
  for (let given = 0; given < padding; given++) {
    if (first > 1) {
      first--;
      given++;
    }
    if (last !== count) {
      last++;
      given++;
    }
  }
  return { first, last };
}
