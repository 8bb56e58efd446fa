import { createHash, randomUUID } from "node:crypto";
import type { Digest } from "../../registry-client/index.ts";
import { canonicalJson } from "../llb/index.ts";

/** Raised when the way keys are made changes: older cache records then miss. */
const FORMAT = "tsbuild.key.v1";

/** How an input enters a key. */
export type InputKey =
  | { readonly by: "definition" | "result"; readonly key: Digest; readonly output: number }
  | { readonly by: "content"; readonly digest: Digest };

/** The key of a vertex by how it is made, known before anything is executed. BuildKit's "fast" key. */
export function definitionKey(vertex: Digest, inputs: readonly InputKey[]): Digest {
  return keyOf("definition", vertex, inputs);
}

/** The key of a vertex by what goes into it: the same for a rebuilt input with the same files. BuildKit's "slow" key. */
export function resultKey(vertex: Digest, inputs: readonly InputKey[]): Digest {
  return keyOf("result", vertex, inputs);
}

/**
 * The result key of a vertex that was executed although the cache may have had it. It differs each time, so that nothing
 * above the vertex is taken from a state that is older than it.
 */
export function freshKey(): Digest {
  return keyOf("fresh", randomUUID(), []);
}

function keyOf(kind: string, vertex: string, inputs: readonly InputKey[]): Digest {
  return `sha256:${createHash("sha256")
    .update(canonicalJson([FORMAT, kind, vertex, inputs]))
    .digest("hex")}`;
}
