import { type GitReference, isHttpUrl, parseGitReference } from "../dockerfile/index.ts";
import type { Word } from "../dockerfile/instructions.ts";
import { type BuildScope, located } from "./scope.ts";

/** What a source of ADD or COPY is, once its variables are expanded: what is at neither address is a path. */
export type SourceKind =
  | { readonly type: "http" }
  | { readonly type: "git"; readonly reference: GitReference }
  | { readonly type: "path" };

/** Throws INVALID_GIT_REFERENCE at the word. */
export function sourceKind(scope: BuildScope, word: Word, text: string): SourceKind {
  const reference = gitReference(scope, word, text);
  // `github.com/user/repo` may be a directory: it is a repository for build contexts only.
  if (reference !== undefined && !reference.mayBeLocal) return { type: "git", reference };
  return isHttpUrl(text) ? { type: "http" } : { type: "path" };
}

function gitReference(scope: BuildScope, word: Word, text: string): GitReference | undefined {
  try {
    return parseGitReference(text);
  } catch (error) {
    throw located(error, scope, word.range);
  }
}
