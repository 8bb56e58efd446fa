import { posix } from "node:path";
import type { TreeInclude } from "../../runtime-core/index.ts";
import type { Word } from "../dockerfile/instructions.ts";
import { compileAt } from "./copy-attributes.ts";
import { type CopyPath, cleanSource, hasWildcards, refuseRemote } from "./copy-paths.ts";
import type { BuildScope } from "./scope.ts";

/** A source of `COPY --parents`: what is taken of the directory `path`. */
export interface ParentsPath extends CopyPath {
  /** Absent: all of it. */
  readonly include?: TreeInclude;
}

/**
 * A source of `COPY --parents`, whose directories are made again below the destination: all of them, or those behind the
 * first `/./`. The part in front of it may have wildcards as other sources have, the part behind it `**` too.
 * Throws BAD_PATTERN, INVALID_COPY_SOURCE.
 */
export function parentsPath(scope: BuildScope, word: Word, text: string): ParentsPath {
  refuseRemote(scope, word, text);
  const [base, below] = splitAtPivot(text);
  const pattern = posix.join("/", below).replace(/^\/|\/$/g, "");
  const path = cleanSource(base);
  const common = { text, path, range: word.range };
  if (pattern === "") return common;
  const isLiteral = !hasWildcards(path) && !hasWildcards(pattern);
  return {
    ...common,
    include: {
      rules: compileAt(scope, word, pattern, "BAD_PATTERN"),
      ancestors: ancestorsOf(pattern).flatMap((ancestor) => compileAt(scope, word, ancestor, "BAD_PATTERN")),
      required: isLiteral ? [posix.join(path, pattern)] : [],
    },
  };
}

function splitAtPivot(text: string): readonly [string, string] {
  const at = text.indexOf("/./");
  return at < 0 ? ["/", text] : [text.slice(0, at), text.slice(at + 3)];
}

/** Patterns of the directories above what `pattern` matches. From a `**` on it may be any directory. */
function ancestorsOf(pattern: string): readonly string[] {
  if (pattern.startsWith("!")) return [];
  const names = pattern.split("/");
  const deep = names.findIndex((name) => name.includes("**"));
  const count = deep < 0 ? names.length - 1 : deep;
  const above = Array.from({ length: count }, (_, index) => names.slice(0, index + 1).join("/"));
  return deep < 0 ? above : [...above, [...names.slice(0, deep), "**"].join("/")];
}
