import { hash } from "node:crypto";
import type { Digest } from "../../registry-client/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Op } from "./op.ts";

/** A node of the build graph. Equal vertices (same op, same inputs) have equal digests and are executed once. */
export interface Vertex extends VertexMetadata {
  /** sha256 over the op and the inputs' digests, in canonical JSON. */
  readonly digest: Digest;
  readonly op: Op;
  readonly inputs: readonly Edge[];
}

/** What a vertex is called and where it comes from. None of it is part of the digest. */
export interface VertexMetadata {
  /** What progress shows: `[build 2/4] RUN npm ci`. */
  readonly name: string;
  /** The instruction it comes from, for error frames. */
  readonly range?: SourceRange;
  /** Where the words of a COPY stand, for carets: by the path they select, `destination` or `--chown`. */
  readonly wordRanges?: ReadonlyMap<string, SourceRange>;
  /** What SHELL says where a RUN stands, for who looks at it when it fails. */
  readonly shell?: readonly string[];
  /** `--no-cache`: never looked up, still saved. */
  readonly ignoreCache?: boolean;
}

/** One output of a vertex. */
export interface Edge {
  readonly vertex: Vertex;
  readonly output: number;
}

/** A vertex with its digest. Two calls with equal `op` and `inputs` give equal digests. */
export function createVertex(op: Op, inputs: readonly Edge[], metadata: VertexMetadata): Vertex {
  return { ...metadata, digest: vertexDigest(op, inputs), op, inputs };
}

/** An output of `vertex`; every op of today has one. */
export function edge(vertex: Vertex, output = 0): Edge {
  return { vertex, output };
}

/** The root that holds nothing: what a stage, a file of its own or a layer begins with. */
export function emptyRoot(): Edge {
  return edge(createVertex({ type: "scratch" }, [], { name: "[internal] empty root" }));
}

function vertexDigest(op: Op, inputs: readonly Edge[]): Digest {
  const identity = { op, inputs: inputs.map((input) => [input.vertex.digest, input.output]) };
  return `sha256:${hash("sha256", canonicalJson(identity))}`;
}
