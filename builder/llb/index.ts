export { canonicalJson } from "./canonical-json.ts";
export type {
  BindMount,
  CacheMount,
  ExecMount,
  ExecOp,
  FileOp,
  FileOpAction,
  GitOp,
  HttpOp,
  ImageOp,
  ImageSource,
  LocalOp,
  MergeOp,
  Op,
  ScratchOp,
  SecretMount,
  SshMount,
  TmpfsMount,
} from "./op.ts";
export { topologicalOrder } from "./topological-order.ts";
export { createVertex, type Edge, edge, emptyRoot, type Vertex, type VertexMetadata } from "./vertex.ts";
