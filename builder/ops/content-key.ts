import type { CallOptions, Digest } from "../../registry-client/index.ts";
import { digestSelection, type TreeSelection, type TreeSource } from "../../runtime-core/index.ts";
import type { OpContext } from "./context.ts";

/** The digest of what is read of an input. Files of a local context that are as an earlier build saw them are not read again. */
export async function selectionDigest(
  selection: TreeSelection,
  { store }: OpContext,
  options: CallOptions,
): Promise<Digest> {
  const directory = directoryOf(selection.source);
  const index = directory === undefined ? undefined : store.statIndexes.of(directory);
  const { digest } = await digestSelection(selection, { ...options, ...(index === undefined ? {} : { index }) });
  return digest as Digest;
}

function directoryOf({ rootfs, isContext }: TreeSource): string | undefined {
  return isContext === true && rootfs.lowers.length === 1 ? rootfs.lowers[0] : undefined;
}
