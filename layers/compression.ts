import { MediaType } from "../registry-client/index.ts";
import type { Compression } from "../runtime-core/index.ts";
import { LayerError } from "./errors.ts";

const LEVELS: Readonly<Record<Compression["type"], readonly [min: number, max: number] | undefined>> = {
  none: undefined,
  gzip: [1, 12],
  zstd: [1, 22],
};

/** Reads `gzip`, `zstd` or `none`, with `,level=N` where there is one. Throws INVALID_COMPRESSION. */
export function parseCompression(text: string): Compression {
  const [type = "", ...attributes] = text.split(",");
  if (!isCompressionType(type)) throw invalid(text, `${JSON.stringify(type)} is not gzip, zstd or none`);
  const levels = attributes.map((attribute) => parseLevel(text, type, attribute));
  if (levels.length > 1) throw invalid(text, "level is given twice");
  return levels[0] === undefined ? { type } : { type, level: levels[0] };
}

/** The media type of a layer. Reference: image-spec v1.1 layer.md. */
export function layerMediaType(compression: Compression): string {
  switch (compression.type) {
    case "none":
      return MediaType.ociLayer;
    case "gzip":
      return MediaType.ociLayerGzip;
    case "zstd":
      return MediaType.ociLayerZstd;
  }
}

/** How a layer of this media type, OCI's or Docker's, is stored; undefined when it is not a layer of files. */
export function layerCompression(mediaType: string): Compression["type"] | undefined {
  switch (mediaType) {
    case MediaType.ociLayer:
    case "application/vnd.docker.image.rootfs.diff.tar":
    case "application/vnd.oci.image.layer.nondistributable.v1.tar":
      return "none";
    case MediaType.ociLayerGzip:
    case MediaType.dockerLayerGzip:
    case "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip":
    case "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":
      return "gzip";
    case MediaType.ociLayerZstd:
    case "application/vnd.docker.image.rootfs.diff.tar.zstd":
    case "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd":
      return "zstd";
    default:
      return undefined;
  }
}

function parseLevel(text: string, type: Compression["type"], attribute: string): number {
  const [, digits] = /^level=(\d{1,2})$/.exec(attribute) ?? [];
  if (digits === undefined) throw invalid(text, `${JSON.stringify(attribute)} is not level=N`);
  const range = LEVELS[type];
  if (range === undefined) throw invalid(text, `${type} has no levels`);
  const level = Number(digits);
  if (level < range[0] || level > range[1]) throw invalid(text, `the levels of ${type} are ${range[0]} to ${range[1]}`);
  return level;
}

function isCompressionType(text: string): text is Compression["type"] {
  return Object.hasOwn(LEVELS, text);
}

function invalid(text: string, why: string): LayerError {
  return new LayerError("INVALID_COMPRESSION", `invalid compression ${JSON.stringify(text)}: ${why}`, {
    hint: "write gzip, zstd or none, and a level if you like: zstd,level=9",
  });
}
