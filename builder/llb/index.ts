export { canonicalJson } from "./canonical-json.ts";
export type {
  ExecMount,
  ExecOp,
  FileOp,
  FileOpAction,
  ImageOp,
  ImageSource,
  LocalOp,
  Op,
  ScratchOp,
} from "./op.ts";
export { topologicalOrder } from "./topological-order.ts";
export { createVertex, type Edge, edge, type Vertex, type VertexMetadata } from "./vertex.ts";
