import type { SourceRange } from "../dockerfile/source.ts";
import { createVertex, type Edge, edge } from "../llb/index.ts";
import type { ContextFiles } from "./options.ts";
import type { BuildScope } from "./scope.ts";
import { internalName } from "./vertex-name.ts";

/** The build context. */
export function contextEdge({ options }: BuildScope): Edge {
  return filesEdge("context", options.context, internalName("load build context"));
}

/** A directory that is read in place, or what a vertex yields; `range` is the word that names it. */
export function filesEdge(name: string, files: ContextFiles, vertexName: string, range?: SourceRange): Edge {
  if ("root" in files) return range === undefined ? files.root : placed(files.root, range);
  const { path, ignore } = files;
  return edge(createVertex({ type: "local", name, path, ignore }, [], { name: vertexName }));
}

/** Vertices that were made before the Dockerfile was read have no place in it. */
function placed({ vertex, output }: Edge, range: SourceRange): Edge {
  const inputs = vertex.inputs.map((input) => placed(input, range));
  return { vertex: { ...vertex, inputs, range }, output };
}
