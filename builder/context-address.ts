import { resolve } from "node:path";
import { statIfThere } from "./directory.ts";
import { type GitReference, isHttpUrl, parseGitReference } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";

/** Where files come from that are not in the image: a build context, or a named one. */
export type ContextAddress = RemoteAddress | { readonly type: "directory" /** Absolute. */; readonly path: string };

export type RemoteAddress =
  | { readonly type: "git"; readonly reference: GitReference }
  | { readonly type: "http"; readonly url: string };

/**
 * What a build context is, in docker's order: a directory that is there, else a git repository, else a URL.
 * Throws CONTEXT_NOT_FOUND, and INVALID_GIT_REFERENCE for a repository's address with a query that makes no sense.
 */
export async function parseContextAddress(text: string): Promise<ContextAddress> {
  const path = resolve(text);
  const found = await statIfThere(path);
  if (found?.isDirectory() === true) return { type: "directory", path };
  const remote = parseRemoteAddress(text);
  if (remote !== undefined) return remote;
  const problem = found === undefined ? "not found" : "is not a directory";
  throw new BuildError("CONTEXT_NOT_FOUND", `unable to prepare context: path ${JSON.stringify(text)} ${problem}`, {
    hint: "the last argument of build is a directory, a git repository, a URL, or - for standard input",
  });
}

/** A git repository or a URL; undefined for what can only be a path. Throws INVALID_GIT_REFERENCE. */
export function parseRemoteAddress(text: string): RemoteAddress | undefined {
  const reference = parseGitReference(text);
  if (reference !== undefined) return { type: "git", reference };
  return isHttpUrl(text) ? { type: "http", url: text } : undefined;
}
