import { isBlankAt, isSeparatorAt, skipBlanks } from "./blank.ts";
import { type Token, tokenOf } from "./logical-line.ts";

/** Arguments separated by blanks, without regard to quotes: COPY, EXPOSE, FROM. */
export function splitArguments(line: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  let at = start;
  while (at < end) {
    const from = at;
    while (at < end && !isSeparatorAt(line, at)) at++;
    tokens.push(tokenOf(line, from, at));
    while (at < end && isSeparatorAt(line, at)) at++;
  }
  return tokens;
}

/** The first argument and all that follows it: `ENV key the whole rest`. */
export function splitOnce(line: string, start: number, end: number): Token[] {
  let at = start;
  while (at < end && !isSeparatorAt(line, at)) at++;
  const first = tokenOf(line, start, at);
  if (at === end) return [first];
  while (at < end && isSeparatorAt(line, at)) at++;
  return [first, tokenOf(line, at, end)];
}

/**
 * Words as ENV, LABEL and ARG have them: blanks inside quotes or after the escape token belong to the word. Quotes and
 * escapes stay in the text; an escape token at the very end is dropped.
 */
export function splitWords(line: string, start: number, end: number, escapeToken: string): Token[] {
  const tokens: Token[] = [];
  for (let at = skipBlanks(line, start, end); at < end; at = skipBlanks(line, at, end)) {
    const from = at;
    at = wordEnd(line, from, end, escapeToken);
    const stop = at > end ? end - 1 : at;
    if (stop > from) tokens.push(tokenOf(line, from, stop));
  }
  return tokens;
}

/** Past `end` when the last unit is an escape token that has nothing to escape. */
function wordEnd(line: string, start: number, end: number, escapeToken: string): number {
  let quote = "";
  let at = start;
  for (; at < end; at++) {
    const char = line[at] ?? "";
    if (quote === "" && isBlankAt(line, at)) return at;
    if (char === escapeToken && quote !== "'") at++;
    else if (char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
  }
  return at;
}

/** What stands on either side of a word's first `=`. undefined: it has none. */
export function splitPair(token: Token): { key: Token; value: Token } | undefined {
  const at = token.text.indexOf("=");
  if (at < 0) return undefined;
  const key = { text: token.text.slice(0, at), start: token.start, end: token.start + at };
  return { key, value: { text: token.text.slice(at + 1), start: key.end + 1, end: token.end } };
}
