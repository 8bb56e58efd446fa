const TAB_STOP = 4;
// Control characters and those that reorder text: shown, never sent.
const UNSAFE = /^[\p{Cc}\u202a-\u202e\u2066-\u2069]$/u;
const ZERO_WIDTH = /^[\p{M}\u200b-\u200f\u2060]$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

interface Cell {
  readonly text: string;
  /** Where it stands in the line, in UTF-16 units. */
  readonly offset: number;
  readonly column: number;
  readonly width: number;
}

/** A line as a terminal shows it. */
export interface LaidOutText {
  readonly cells: readonly Cell[];
  /** Columns in all. */
  readonly width: number;
  /** The column of a UTF-16 offset; past the end it goes on counting. */
  columnAt(offset: number): number;
}

/** Lays a line out in terminal columns: tabs expanded, wide characters counted twice, control characters replaced. */
export function layOut(line: string): LaidOutText {
  const cells: Cell[] = [];
  let column = 0;
  let offset = 0;
  for (const char of line) {
    const { text, width } = shown(char, column);
    cells.push({ text, offset, column, width });
    column += width;
    offset += char.length;
  }
  const columnAt = (wanted: number): number =>
    cells.find((cell) => cell.offset >= wanted)?.column ?? column + Math.max(0, wanted - offset);
  return { cells, width: column, columnAt };
}

/** The columns from `left` on, `…` in the place of what is cut off at either end. */
export function cutText({ cells, width }: LaidOutText, left: number, columns: number): string {
  const cutsLeft = left > 0;
  const cutsRight = width > left + columns;
  const from = left + (cutsLeft ? 1 : 0);
  const to = left + columns - (cutsRight ? 1 : 0);
  const inside = cells.filter((cell) => cell.column >= from && cell.column + cell.width <= to);
  // A wide character that the cut goes through leaves a blank.
  const gap = " ".repeat(Math.max(0, (inside[0]?.column ?? from) - from));
  const text = inside.map((cell) => cell.text).join("");
  return `${cutsLeft ? "…" : ""}${gap}${text}${cutsRight ? "…" : ""}`;
}

function shown(char: string, column: number): { text: string; width: number } {
  if (char === "\t") {
    const width = TAB_STOP - (column % TAB_STOP);
    return { text: " ".repeat(width), width };
  }
  if (UNSAFE.test(char)) return { text: "\ufffd", width: 1 };
  if (ZERO_WIDTH.test(char)) return { text: char, width: 0 };
  return { text: char, width: WIDE.test(char) ? 2 : 1 };
}
