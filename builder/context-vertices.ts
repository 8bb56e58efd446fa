import type { GitReference } from "./dockerfile/index.ts";
import { createVertex, type Edge, edge, emptyRoot } from "./llb/index.ts";

/** What the file of a URL, or of standard input, is called before it is unpacked: BuildKit's name for it. */
export const DOWNLOADED = "context";

/** The files of a commit. */
export function gitRoot(reference: GitReference, name: string): Edge {
  return edge(createVertex({ type: "git", reference }, [], { name }));
}

/** A root with one file, `filename`. */
export function downloadRoot(url: string, filename: string, name: string): Edge {
  return edge(createVertex({ type: "http", url, filename }, [], { name }));
}

/** A directory of the store with one file, DOWNLOADED: what standard input was. */
export function savedRoot(directory: string): Edge {
  const op = { type: "local", name: "context", path: directory, ignore: [] } as const;
  return edge(createVertex(op, [], { name: "[internal] load build context from standard input" }));
}

/** What is in the archive DOWNLOADED of `file`; the file itself where it is none. Its members keep their owners. */
export function archiveRoot(file: Edge, name: string): Edge {
  const copy = {
    type: "copy",
    input: 1,
    paths: [`/${DOWNLOADED}`],
    wildcards: false,
    dest: "/",
    unpack: true,
  } as const;
  return edge(createVertex({ type: "file", actions: [copy] }, [emptyRoot(), file], { name }));
}

/** An empty directory rather than no root at all: `COPY . /` finds it. */
export function emptyContext(): Edge {
  return edge(createVertex({ type: "file", actions: [] }, [emptyRoot()], { name: "[internal] empty build context" }));
}
