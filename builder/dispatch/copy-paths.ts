import { posix } from "node:path";
import type { Word } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { type BuildScope, failure } from "./scope.ts";

export interface CopyPath {
  /** As written, expanded: for the history. */
  readonly text: string;
  /** Clean and absolute inside the source. */
  readonly path: string;
  readonly range: SourceRange;
}

/** A source of COPY, cleaned against the root of what it is read from: `../x` is `/x`. Throws INVALID_COPY_SOURCE. */
export function copySourcePath(scope: BuildScope, word: Word, text: string): CopyPath {
  const remote = isGit(text) ? "a git ref" : isUrl(text) ? "a URL" : undefined;
  if (remote !== undefined) {
    const hint = "fetch it in a RUN step; COPY reads files of the context, a stage or an image";
    throw failure(scope, word.range, "INVALID_COPY_SOURCE", `source can't be ${remote} for COPY`, hint);
  }
  return { text, path: withoutSlash(posix.join("/", text)), range: word.range };
}

/** Where COPY writes, absolute, `/` at its end when it must be a directory. Relative to WORKDIR. */
export function copyDestination(workingDir: string | undefined, dest: string, isDirectory: boolean): string {
  const path = posix.resolve("/", workingDir ?? "/", dest);
  const named = dest === "" || dest === "." || dest.endsWith("/") || dest.endsWith("/.");
  return (isDirectory || named) && path !== "/" ? `${path}/` : path;
}

/** Go's filepath.Match special characters, unescaped. */
export function hasWildcards(path: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(path);
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text);
}

function isGit(text: string): boolean {
  return /^(?:git:\/\/|ssh:\/\/|git@)|^https?:\/\/\S+\.git(?:#|\?|$)/.test(text);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
