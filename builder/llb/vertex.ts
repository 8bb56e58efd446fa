import type { Digest } from "../../registry-client/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { Op } from "./op.ts";

/** A node of the build graph. Equal vertices (same op, same inputs) have equal digests and are executed once. */
export interface Vertex {
  /** sha256 over the op and the inputs' digests, in canonical JSON. */
  readonly digest: Digest;
  readonly op: Op;
  readonly inputs: readonly Edge[];
  /** What progress shows: `[build 2/4] RUN npm ci`. Not part of the digest. */
  readonly name: string;
  /** The instruction it comes from, for error frames. Not part of the digest. */
  readonly range?: SourceRange;
  /** Where the words of a COPY stand, by the path they select: a missing one gets its own caret. Not part of the digest. */
  readonly wordRanges?: ReadonlyMap<string, SourceRange>;
  /** `--no-cache`: never looked up, still saved. Not part of the digest. */
  readonly ignoreCache?: boolean;
}

/** One output of a vertex. */
export interface Edge {
  readonly vertex: Vertex;
  readonly output: number;
}
