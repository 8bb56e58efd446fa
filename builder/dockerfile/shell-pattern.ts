/** `*`, `?` or a literal character. */
type Part = { readonly kind: "star" } | { readonly kind: "any" } | { readonly kind: "char"; readonly char: string };

/** Offsets in characters. */
interface Match {
  readonly start: number;
  readonly end: number;
}

/** `value` without what matches `pattern` at its start: `${v#pattern}`, and `##` for the longest match. Throws Error on a bad escape. */
export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  const chars = [...value];
  const match = find(chars, parsePattern(pattern), { from: 0, anchored: true, longest });
  return match === undefined ? value : chars.slice(match.end).join("");
}

/** The same at the end: `${v%pattern}`, `%%`. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const chars = [...value].reverse();
  const match = find(chars, parsePattern(pattern).reverse(), { from: 0, anchored: true, longest });
  return match === undefined ? value : chars.slice(match.end).reverse().join("");
}

/**
 * `value` with the first match of `pattern` replaced, or every one: `${v/p/r}`, `${v//p/r}`. Matches are the longest.
 * With `all`, the replacement is a template of Go's regexp package, as in BuildKit: `$1` is empty, `$$` is `$`.
 */
export function replaceMatches(value: string, pattern: string, replacement: string, all: boolean): string {
  const chars = [...value];
  const parts = parsePattern(pattern);
  if (all) return replaceAll(chars, parts, replacement);
  const match = find(chars, parts, { from: 0, anchored: false, longest: true });
  if (match === undefined) return value;
  return chars.slice(0, match.start).join("") + replacement + chars.slice(match.end).join("");
}

/** Go's regexp.ReplaceAllString: an empty match right after another match does not count. */
function replaceAll(chars: readonly string[], parts: readonly Part[], replacement: string): string {
  let result = "";
  let copied = 0;
  let from = 0;
  while (from <= chars.length) {
    const match = find(chars, parts, { from, anchored: false, longest: true });
    if (match === undefined) break;
    result += chars.slice(copied, match.start).join("");
    if (match.end > copied || match.start === 0) {
      result += expandTemplate(replacement, chars.slice(match.start, match.end).join(""));
    }
    copied = match.end;
    from = Math.max(from + 1, match.end);
  }
  return result + chars.slice(copied).join("");
}

function expandTemplate(template: string, match: string): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole: string, braced?: string, bare?: string) => {
    if (whole === "$$") return "$";
    return (braced ?? bare) === "0" ? match : "";
  });
}

/** Only `*`, `?` and `\` are special; there are no bracket expressions. */
function parsePattern(pattern: string): Part[] {
  const parts: Part[] = [];
  const chars = [...pattern];
  for (let index = 0; index < chars.length; index++) {
    const char = chars[index] ?? "";
    if (char === "*") parts.push({ kind: "star" });
    else if (char === "?") parts.push({ kind: "any" });
    else if (char !== "\\") parts.push({ kind: "char", char });
    // `\}` and `\/` only got the character past the end of the substitution; it is read as text next.
    else if (chars[index + 1] !== "}" && chars[index + 1] !== "/") parts.push(escaped(chars[++index]));
  }
  return parts;
}

function escaped(char: string | undefined): Part {
  if (char === "*" || char === "?" || char === "\\") return { kind: "char", char };
  throw new Error(`invalid escape '\\${char ?? "\ufffd"}'`);
}

interface FindOptions {
  readonly from: number;
  readonly anchored: boolean;
  readonly longest: boolean;
}

/**
 * The leftmost match, the longest or shortest of those. All positions in the pattern advance together, each with the
 * earliest start that reached it, so that no pattern takes more than length times length.
 */
function find(chars: readonly string[], parts: readonly Part[], options: FindOptions): Match | undefined {
  let states: (number | undefined)[] = [];
  let best: Match | undefined;
  for (let at = options.from; at <= chars.length; at++) {
    if (best === undefined && (!options.anchored || at === options.from)) reach(states, parts, 0, at);
    const start = states[parts.length];
    if (start !== undefined && (best === undefined || start <= best.start)) best = { start, end: at };
    if (best !== undefined && !options.longest) return best;
    const limit = best?.start ?? at;
    states = step(states, parts, chars[at], limit);
    if (states.length === 0 && (best !== undefined || options.anchored)) return best;
  }
  return best;
}

/** Marks `index` and, since a star may match nothing, what follows it. */
function reach(states: (number | undefined)[], parts: readonly Part[], index: number, start: number): void {
  for (let at = index; ; at++) {
    states[at] = Math.min(states[at] ?? start, start);
    if (parts[at]?.kind !== "star") return;
  }
}

function step(
  states: readonly (number | undefined)[],
  parts: readonly Part[],
  char: string | undefined,
  limit: number,
): (number | undefined)[] {
  const following: (number | undefined)[] = [];
  if (char === undefined) return following;
  states.forEach((start, index) => {
    const part = parts[index];
    if (start === undefined || part === undefined || start > limit) return;
    if (part.kind === "char" ? part.char !== char : char === "\n") return;
    reach(following, parts, part.kind === "star" ? index : index + 1, start);
  });
  return following;
}
