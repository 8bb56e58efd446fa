// What compilePattern writes: leading directories, stars, one character but `/`, a class, an escaped character, any other.
const TOKEN = /\(\?:\[\^\\n\]\*\/\)\?|\[\^\\n\]\*|\[\^\/\]\*|\[\^\/\]|\[\^?(?:\\x[0-9a-f]{2}|[^\]])+\]|\\.|./gsu;

/** One piece of a pattern. */
interface Piece {
  readonly takes: (char: string) => boolean;
  /** `once`: one character; `any`: none or more; `directories`: nothing, or characters up to a `/`. */
  readonly count: "once" | "any" | "directories";
}

/**
 * The matcher of a pattern's regexp (`compilePattern`) without backtracking: its time is the product of pattern and path,
 * where a RegExp may need for ever on `*a*a*a*a`.
 */
export function compileLinear(text: string): (path: string) => boolean {
  const pieces = Array.from(text.matchAll(TOKEN), ([token]) => pieceOf(token));
  return (path) => matches(pieces, path);
}

function pieceOf(token: string): Piece {
  const isLineEnd = (char: string) => char === "\n";
  if (token === "(?:[^\\n]*/)?") return { takes: (char) => !isLineEnd(char), count: "directories" };
  if (token === "[^\\n]*") return { takes: (char) => !isLineEnd(char), count: "any" };
  if (token === "[^/]*") return { takes: (char) => char !== "/", count: "any" };
  const one = new RegExp(`^${token}$`, "su");
  return { takes: (char) => one.test(char), count: "once" };
}

/** Follows every way through the pattern at once. State n: the pieces before n are done; state -n - 1: inside directories n. */
function matches(pieces: readonly Piece[], path: string): boolean {
  let states = withSkips(pieces, new Set([0]));
  for (const char of path) {
    const next = new Set<number>();
    for (const state of states) advance(pieces, state, char, next);
    if (next.size === 0) return false;
    states = withSkips(pieces, next);
  }
  return states.has(pieces.length);
}

function advance(pieces: readonly Piece[], state: number, char: string, next: Set<number>): void {
  const index = state < 0 ? -state - 1 : state;
  const piece = pieces[index];
  if (piece === undefined || !piece.takes(char)) return;
  if (piece.count === "once") next.add(index + 1);
  if (piece.count === "any") next.add(index);
  if (piece.count !== "directories") return;
  next.add(-index - 1);
  if (char === "/") next.add(index + 1);
}

/** Pieces that may stand for nothing are passed over. */
function withSkips(pieces: readonly Piece[], states: Set<number>): Set<number> {
  for (const state of states) {
    if (state >= 0 && (pieces[state]?.count ?? "once") !== "once") states.add(state + 1);
  }
  return states;
}
