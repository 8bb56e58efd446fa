import { createHash } from "node:crypto";
import type { Digest } from "../../registry-client/index.ts";

/** Raised when an op's result changes for the same data: older cache records then miss. */
const FORMAT = "tsbuild.op.v2";

/** The part of a cache key that an op itself contributes. `parts` must be JSON with a fixed key order. */
export function opKey(type: string, parts: unknown): Digest {
  return `sha256:${createHash("sha256")
    .update(JSON.stringify([FORMAT, type, parts]))
    .digest("hex")}`;
}
