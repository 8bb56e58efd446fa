import { createVertex, type Edge, edge } from "../llb/index.ts";
import type { ContextFiles } from "./options.ts";
import type { BuildScope } from "./scope.ts";
import { internalName } from "./vertex-name.ts";

/** The build context. */
export function contextEdge({ options }: BuildScope): Edge {
  return filesEdge("context", options.context, internalName("load build context"));
}

/** A directory that is read in place, or what a vertex yields. */
export function filesEdge(name: string, files: ContextFiles, vertexName: string): Edge {
  if ("root" in files) return files.root;
  const { path, ignore } = files;
  return edge(createVertex({ type: "local", name, path, ignore }, [], { name: vertexName }));
}
