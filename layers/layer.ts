import { type Descriptor, type Digest, isDigest } from "../registry-client/index.ts";

/** A filesystem change as an image has it. Reference: image-spec v1.1 layer.md. */
export interface Layer {
  /** The blob. */
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Nothing changed: BuildKit leaves such a layer out of the image. */
  readonly isEmpty: boolean;
}

/** Whether JSON from a file is a layer. */
export function isLayer(value: unknown): value is Layer {
  if (typeof value !== "object" || value === null) return false;
  const { descriptor, diffId, isEmpty } = value as Partial<Layer>;
  return isDescriptor(descriptor) && isDigestText(diffId) && typeof isEmpty === "boolean";
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== "object" || value === null) return false;
  const { mediaType, digest, size } = value as Partial<Descriptor>;
  return typeof mediaType === "string" && isDigestText(digest) && Number.isSafeInteger(size);
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === "string" && isDigest(value);
}
