import { posix } from "node:path";
import type { IgnoreRule } from "../../runtime-core/index.ts";
import { compileIgnorePatterns } from "../dockerfile/dockerignore.ts";
import { IgnoreMatcher } from "../dockerfile/ignore-matcher.ts";

// URLs and git repositories: .dockerignore is not about them.
const REMOTE = /^(?:https?|ssh|git):\/\/|^[a-z0-9_-]+@[a-z0-9.-]+:/i;
const EVERYTHING = compileIgnorePatterns(["*", "**", "**/*"]);

/** Finds sources of COPY and ADD that .dockerignore leaves out. */
export class IgnoredSources {
  readonly #matcher: IgnoreMatcher | undefined;
  readonly #ignoresAll: boolean;

  /** With a `!` among the rules nothing is found: what it brings back below a directory cannot be told from here. */
  constructor(rules: readonly IgnoreRule[]) {
    const isPlain = rules.length > 0 && rules.every(({ negated }) => !negated);
    this.#matcher = isPlain ? new IgnoreMatcher(rules) : undefined;
    this.#ignoresAll = rules.some((rule) => EVERYTHING.some((all) => all.kind === rule.kind && all.text === rule.text));
  }

  /** The cleaned source if it is left out; the context itself is only by a rule for everything. */
  find(source: string): string | undefined {
    if (this.#matcher === undefined || REMOTE.test(source)) return undefined;
    const path = cleanPath(source);
    const isIgnored = path === "." || path === "/" ? this.#ignoresAll : this.#matcher.isIgnoredByAnyParent(path);
    return isIgnored ? path : undefined;
  }
}

/** Go's filepath.Clean. */
function cleanPath(source: string): string {
  const clean = posix.normalize(source);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
