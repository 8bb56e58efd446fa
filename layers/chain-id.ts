import { createHash } from "node:crypto";
import type { Digest } from "../registry-client/index.ts";

/**
 * The chain id of each layer: the first is its diffId, every further one the digest of "parent chain id, space, diffId".
 * Reference: image-spec v1.1 config.md, "Layer ChainID".
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  let parent: Digest | undefined;
  return diffIds.map((diffId) => {
    parent =
      parent === undefined ? diffId : `sha256:${createHash("sha256").update(`${parent} ${diffId}`).digest("hex")}`;
    return parent;
  });
}
