import { posix } from "node:path";
import { quote } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import { createVertex, type Edge, edge, emptyRoot } from "../llb/index.ts";
import { internalName } from "./vertex-name.ts";

/** A root that holds one file, `/NAME`: what a heredoc of COPY or a script of RUN becomes. */
export interface InlineFile {
  readonly root: Edge;
  /** Absolute inside `root`. */
  readonly path: string;
}

/** `mode` is the file's permissions. Throws INVALID_HEREDOC, without a place, for a name that no file at the root can have. */
export function inlineFile(name: string, data: string, mode: number): InlineFile {
  const path = posix.join("/", name);
  if (!/^\/[^/]+$/.test(path)) {
    const hint = "the word after << is also the name of a file, without directories";
    throw new BuildError("INVALID_HEREDOC", `the heredoc ${quote(name)} cannot be a file`, { hint });
  }
  const mkfile = { type: "mkfile", path, mode, data } as const;
  const vertex = createVertex({ type: "file", actions: [mkfile] }, [emptyRoot()], {
    name: internalName("preparing inline document"),
  });
  return { root: edge(vertex), path };
}
