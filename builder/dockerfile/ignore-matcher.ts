import type { IgnoreRule } from "../../runtime-core/index.ts";
import { compileLinear } from "./linear-pattern.ts";

/** Which rules matched a directory: what its children are judged by. */
export type ParentMatches = readonly boolean[];

interface CompiledRule {
  readonly negated: boolean;
  readonly matches: (path: string) => boolean;
}

/** Judges paths, relative to the context and without a leading slash, by the rules of a .dockerignore. */
export class IgnoreMatcher {
  readonly #rules: readonly CompiledRule[];

  constructor(rules: readonly IgnoreRule[]) {
    this.#rules = rules.map((rule) => ({ negated: rule.negated, matches: compile(rule) }));
  }

  /**
   * Whether the context leaves the path out: what the transfer decides (patternmatcher.MatchesUsingParentResults). A rule
   * that was passed over for a directory is not tried on it again for what is inside.
   */
  isIgnored(path: string): boolean {
    const names = path.split("/");
    let state: { ignored: boolean; matches: ParentMatches } = { ignored: false, matches: [] };
    for (let depth = 1; depth <= names.length; depth++) {
      state = this.walk(names.slice(0, depth).join("/"), state.matches);
    }
    return state.ignored;
  }

  /** One step of that walk: `parent` is what this returned for the directory, empty at the root. */
  walk(path: string, parent: ParentMatches): { readonly ignored: boolean; readonly matches: ParentMatches } {
    let ignored = false;
    const matches = this.#rules.map((rule, index) => {
      const matched = parent[index] === true || (rule.negated === ignored && rule.matches(path));
      if (matched) ignored = !rule.negated;
      return matched;
    });
    return { ignored, matches };
  }

  /** Each rule against the path and all its parents (patternmatcher.MatchesOrParentMatches): for the CopyIgnoredFile check. */
  isIgnoredByAnyParent(path: string): boolean {
    const names = path.split("/");
    const paths = names.map((_, index) => names.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const rule of this.#rules) {
      if (rule.negated === ignored && paths.some(rule.matches)) ignored = !rule.negated;
    }
    return ignored;
  }
}

function compile({ kind, text }: IgnoreRule): (path: string) => boolean {
  if (kind === "exact") return (path) => path === text;
  if (kind === "prefix") return (path) => path.startsWith(text);
  if (kind === "suffix") return (path) => path.endsWith(text);
  return compileLinear(text);
}
