// Go's unicode.IsSpace: it has U+0085 and lacks U+FEFF, against \s.
const BLANKS = "\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = new RegExp(`^[${BLANKS}]$`);

/** Whether the UTF-16 unit at `index` is white space to BuildKit (Go's unicode.IsSpace). False outside the text. */
export function isBlankAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return code >= 0x85 && BLANK.test(text.charAt(index));
}

/** Whether the unit at `index` separates a keyword, flags and plain arguments: `[\t\v\f\r ]`, no Unicode blanks. */
export function isSeparatorAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code === 0x20 || code === 0x09 || (code >= 0x0b && code <= 0x0d);
}

/** The first index at or after `start` whose unit is not blank; `end` when all are. */
export function skipBlanks(text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isBlankAt(text, index)) index++;
  return index;
}

/** The end of `text[start, end)` without its trailing blanks. */
export function trimBlankEnd(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && isBlankAt(text, index - 1)) index--;
  return index;
}

/** `text` without blanks on either side (Go's strings.TrimSpace). */
export function trimBlanks(text: string): string {
  const start = skipBlanks(text, 0, text.length);
  return text.slice(start, trimBlankEnd(text, start, text.length));
}
