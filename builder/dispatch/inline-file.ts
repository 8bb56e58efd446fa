import { posix } from "node:path";
import { createVertex, type Edge, edge, emptyRoot } from "../llb/index.ts";
import { internalName } from "./vertex-name.ts";

/** A root that holds one file, `/NAME`: what a heredoc of COPY or a script of RUN becomes. */
export interface InlineFile {
  readonly root: Edge;
  /** Absolute inside `root`. */
  readonly path: string;
}

/** `mode` is the file's permissions. */
export function inlineFile(name: string, data: string, mode: number): InlineFile {
  const path = posix.join("/", posix.basename(name));
  const mkfile = { type: "mkfile", path, mode, data } as const;
  const vertex = createVertex({ type: "file", actions: [mkfile] }, [emptyRoot()], {
    name: internalName("preparing inline document"),
  });
  return { root: edge(vertex), path };
}
