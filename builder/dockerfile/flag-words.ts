import { isSeparatorAt } from "./blank.ts";
import type { Token } from "./logical-line.ts";

/** `--name=value` as BuildKit's parser cuts it off: quotes and escapes already removed. */
export interface FlagToken extends Token {
  /** Where the value begins in the line, after the `=`; `end` without one. */
  readonly valueStart: number;
}

/** The flags at the head of `line[start, end)`, and where what follows them begins. */
export function extractFlags(line: string, start: number, end: number): { flags: FlagToken[]; rest: number } {
  const flags: FlagToken[] = [];
  let at = start;
  for (;;) {
    while (at < end && isSeparatorAt(line, at)) at++;
    if (!line.startsWith("--", at) || at + 2 > end) return { flags, rest: at };
    const flag = readFlag(line, at, end);
    at = flag.end;
    // A lone `--` ends the flags and is none.
    if (flag.text === "--") return { flags, rest: at };
    flags.push(flag);
  }
}

/** Up to the next blank outside quotes. The escape here is always `\`, whatever the file's token. */
function readFlag(line: string, start: number, end: number): FlagToken {
  let text = "";
  let quote = "";
  let valueStart: number | undefined;
  let at = start;
  for (; at < end; at++) {
    const char = line[at] ?? "";
    if (quote === "" && isSeparatorAt(line, at)) break;
    if (char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === "\\") text += line[++at] ?? "";
    else text += char;
    if (valueStart === undefined && char === "=") valueStart = at + 1;
  }
  at = Math.min(at, end);
  return { text, start, end: at, valueStart: valueStart ?? at };
}
