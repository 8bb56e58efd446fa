import { posix } from "node:path";
import type { Word } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { type BuildScope, failure } from "./scope.ts";
import { sourceKind } from "./source-kind.ts";

export interface CopyPath {
  /** As written, expanded: for the history. */
  readonly text: string;
  /** Clean and absolute inside the source. */
  readonly path: string;
  readonly range: SourceRange;
}

/** A source of COPY, cleaned against the root of what it is read from: `../x` is `/x`. Throws INVALID_COPY_SOURCE. */
export function copySourcePath(scope: BuildScope, word: Word, text: string): CopyPath {
  refuseRemote(scope, word, text);
  return { text, path: cleanSource(text), range: word.range };
}

const REMOTES = { http: "a URL", git: "a git ref" } as const;

/** URLs and git references are for ADD. Throws INVALID_COPY_SOURCE. */
export function refuseRemote(scope: BuildScope, word: Word, text: string): void {
  const { type } = sourceKind(scope, word, text);
  if (type === "path") return;
  const hint = "ADD fetches it; COPY reads files of the context, a stage or an image";
  throw failure(scope, word.range, "INVALID_COPY_SOURCE", `source can't be ${REMOTES[type]} for COPY`, hint);
}

/** Clean and absolute inside the source, `..` held at its root. */
export function cleanSource(text: string): string {
  return withoutSlash(posix.join("/", text));
}

/** Where COPY writes, absolute, `/` at its end when it must be a directory. Relative to WORKDIR. */
export function copyDestination(workingDir: string | undefined, dest: string): string {
  const path = posix.resolve("/", workingDir ?? "/", dest);
  const isDirectory = dest === "" || dest === "." || dest.endsWith("/") || dest.endsWith("/.");
  return isDirectory && path !== "/" ? `${path}/` : path;
}

/** Go's filepath.Match special characters, unescaped. */
export function hasWildcards(path: string): boolean {
  return /^(?:[^\\*?[]|\\.)*[*?[]/s.test(path);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
