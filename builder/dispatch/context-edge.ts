import { createVertex, type Edge, edge } from "../llb/index.ts";
import type { LocalContext } from "./options.ts";
import type { BuildScope } from "./scope.ts";
import { internalName } from "./vertex-name.ts";

/** The build context. */
export function contextEdge({ options }: BuildScope): Edge {
  return localEdge("context", options.context, internalName("load build context"));
}

/** A directory that is read in place. */
export function localEdge(name: string, { path, ignore }: LocalContext, vertexName: string): Edge {
  return edge(createVertex({ type: "local", name, path, ignore }, [], { name: vertexName }));
}
