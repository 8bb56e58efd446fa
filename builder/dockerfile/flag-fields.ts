import { parseCsvFields } from "../csv.ts";
import type { FlagToken } from "./flag-words.ts";
import type { FlagField, Word } from "./instructions.ts";
import { type LogicalLine, wordOf } from "./logical-line.ts";

/** The fields of a flag such as `--mount=type=bind,target=/x`, each with its place. Throws Error where the value is no CSV. */
export function flagFields(line: LogicalLine, flag: FlagToken): readonly FlagField[] {
  const offsets = textOffsets(line.text, flag);
  const valueAt = flag.text.indexOf("=") + 1;
  const wordAt = (start: number, end: number, text: string): Word => {
    const first = offsets[valueAt + start] ?? flag.end;
    const last = end > start ? (offsets[valueAt + end - 1] ?? first) + 1 : first;
    return wordOf(line, { text, start: first, end: last });
  };
  return parseCsvFields(flag.text.slice(valueAt)).map(({ value, start, end }) => {
    const word = wordAt(start, end, value);
    const equals = value.indexOf("=");
    if (equals < 0) return { ...word, key: value.toLowerCase() };
    const written = flag.text.indexOf("=", valueAt + start) - valueAt;
    const key = value.slice(0, equals).toLowerCase();
    return { ...word, key, value: wordAt(written + 1, end, value.slice(equals + 1)) };
  });
}

/** Where each unit of the flag's text stands in the line: quotes and escapes are not part of it. */
function textOffsets(line: string, { start, end }: FlagToken): readonly number[] {
  const offsets: number[] = [];
  let quote = "";
  for (let at = start; at < end; at++) {
    const char = line[at] ?? "";
    if (char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else offsets.push(char === "\\" ? ++at : at);
  }
  return offsets;
}
