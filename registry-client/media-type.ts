import { MediaType } from "./oci.ts";

const indexTypes: ReadonlySet<string> = new Set([MediaType.ociIndex, MediaType.dockerManifestList]);
const manifestTypes: ReadonlySet<string> = new Set([MediaType.ociManifest, MediaType.dockerManifest]);
const nondistributablePattern = /\.(?:nondistributable\.v1\.tar|rootfs\.foreign\.diff\.tar)\b/;

/** An index of manifests, OCI's or Docker's. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.has(mediaType);
}

/** The manifest of one image or artifact, OCI's or Docker's. */
export function isManifestType(mediaType: string): boolean {
  return manifestTypes.has(mediaType);
}

/** What a registry keeps under /manifests/ rather than /blobs/. */
export function isManifestOrIndexType(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType);
}

/** A layer that may not be redistributed; `urls` says where it lies. Reference: image-spec v1.1 layer.md. */
export function isNondistributableType(mediaType: string): boolean {
  return nondistributablePattern.test(mediaType);
}

/** The media type without parameters such as `; charset=utf-8`, in lower case. */
export function bareMediaType(contentType: string): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

/** Every manifest type we read, in the order we like them, for an Accept header. */
export const manifestAccept: string = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerManifestList,
  MediaType.dockerManifest,
].join(", ");
