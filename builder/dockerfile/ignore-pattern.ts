/** How a pattern's whole path is matched: a rule without its sign. */
export interface PathPattern {
  readonly kind: "exact" | "prefix" | "suffix" | "regexp";
  readonly text: string;
}

// One character of the regexp syntaxes of JavaScript (flag u) and of Rust's regex crate alike.
const SYNTAX = /[\\^$.*+?()[\]{}|]/;
const SEPARATOR = "/";

/**
 * Compiles a cleaned pattern (moby/patternmatcher): `*` and `?` stay inside a name, `**` crosses names, `[…]` is a class,
 * `\` makes the next character literal. Throws Error on an unclosed class or a trailing `\`.
 */
export function compilePattern(pattern: string): PathPattern {
  return literalPattern(pattern) ?? { kind: "regexp", text: regexpOf([...pattern]) };
}

/** Patterns that need no regexp: no wildcard, or only `**` at one end with plain text on the other side. */
function literalPattern(pattern: string): PathPattern | undefined {
  const isPlain = (text: string): boolean => !/[*?[\]\\]/.test(text);
  if (isPlain(pattern)) return { kind: "exact", text: pattern };
  if (pattern === "**") return { kind: "suffix", text: "" };
  if (pattern.endsWith("**") && isPlain(pattern.slice(0, -2))) return { kind: "prefix", text: pattern.slice(0, -2) };
  // A leading `**/` also matches without the slash, so it stays a regexp.
  const suffix = pattern.slice(2);
  const isSuffix = pattern.startsWith("**") && !suffix.startsWith(SEPARATOR) && isPlain(suffix);
  return isSuffix ? { kind: "suffix", text: suffix } : undefined;
}

function regexpOf(chars: readonly string[]): string {
  let text = "";
  let at = 0;
  while (at < chars.length) {
    const piece = readPiece(chars, at);
    text += piece.text;
    at = piece.end;
  }
  return text;
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

function readPiece(chars: readonly string[], at: number): Piece {
  const char = chars[at] ?? "";
  if (char === "*") return chars[at + 1] === "*" ? readDoubleStar(chars, at) : { text: "[^/]*", end: at + 1 };
  if (char === "?") return { text: "[^/]", end: at + 1 };
  if (char === "[") return readClass(chars, at);
  if (char !== "\\") return { text: escapeSyntax(char), end: at + 1 };
  const literal = chars[at + 1];
  if (literal === undefined) throw new Error("syntax error in pattern");
  return { text: escapeSyntax(literal), end: at + 2 };
}

/** `**` takes a `/` after it with it: any number of leading directories, or everything at the end. */
function readDoubleStar(chars: readonly string[], at: number): Piece {
  const end = chars[at + 2] === SEPARATOR ? at + 3 : at + 2;
  return { text: end === chars.length ? "[^\\n]*" : "(?:[^\\n]*/)?", end };
}

/** `[abc]`, `[a-z]`, `[^a]`. A `!` is no negation. */
function readClass(chars: readonly string[], start: number): Piece {
  const isNegated = chars[start + 1] === "^";
  let at = start + (isNegated ? 2 : 1);
  let text = "";
  do {
    const low = readClassChar(chars, at);
    const isRange = chars[low.end] === "-" && chars[low.end + 1] !== "]";
    const high = isRange ? readClassChar(chars, low.end + 1) : low;
    if (low.text > high.text) throw new Error("syntax error in pattern");
    text += escapeInClass(low.text) + (isRange ? `-${escapeInClass(high.text)}` : "");
    at = high.end;
  } while (chars[at] !== "]");
  return { text: `[${isNegated ? "^" : ""}${text}]`, end: at + 1 };
}

function readClassChar(chars: readonly string[], at: number): Piece {
  const isEscaped = chars[at] === "\\";
  const char = chars[isEscaped ? at + 1 : at];
  if (char === undefined) throw new Error("syntax error in pattern");
  return { text: char, end: isEscaped ? at + 2 : at + 1 };
}

function escapeSyntax(char: string): string {
  return SYNTAX.test(char) ? `\\${char}` : char;
}

/** Rust's classes have operators (`&&`, `--`, `~~`) that JavaScript's have not: only hexadecimal is safe in both. */
function escapeInClass(char: string): string {
  return /^[!-/:-@[-`{-~]$/.test(char) ? `\\x${char.charCodeAt(0).toString(16)}` : char;
}
