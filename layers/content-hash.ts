import type { CallOptions, Digest } from "../registry-client/index.ts";
import { digestSelection, type TreeSelection } from "../runtime-core/index.ts";
import { withLayerErrors } from "./errors.ts";

/**
 * The digest of the files that a COPY takes: equal for equal names, kinds, modes, owners, capabilities and contents, wherever
 * they lie; times do not count. Throws LayerError NOT_FOUND for a literal path that is not there.
 */
export async function contentDigest(selection: TreeSelection, options: CallOptions = {}): Promise<Digest> {
  return await withLayerErrors(async () => (await digestSelection(selection, options)).digest as Digest);
}
