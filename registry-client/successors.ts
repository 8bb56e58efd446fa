import { fetchIndex, fetchManifest } from "./documents.ts";
import { isIndexType, isManifestType } from "./media-type.ts";
import type { Descriptor } from "./oci.ts";
import type { CallOptions, ReadonlyStorage } from "./storage.ts";

/**
 * What a manifest or index needs to be whole: config and layers, or the manifests listed. None for a blob.
 * A `subject` is no successor: an image does not need what it comments on.
 */
export async function successors(
  storage: ReadonlyStorage,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<readonly Descriptor[]> {
  if (isIndexType(descriptor.mediaType)) return (await fetchIndex(storage, descriptor, options)).manifests;
  if (!isManifestType(descriptor.mediaType)) return [];
  const manifest = await fetchManifest(storage, descriptor, options);
  return [manifest.config, ...manifest.layers];
}
