import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type Descriptor,
  digestBytes,
  fromBytes,
  MediaType,
  type Platform,
  type Storage,
} from "../../registry-client/index.ts";

/** Puts bytes into a storage and describes them. */
export async function pushBytes(storage: Storage, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestBytes(bytes), size: bytes.byteLength };
  await storage.push(descriptor, fromBytes(bytes));
  return descriptor;
}

/** Puts a document into a storage, as JSON. */
export function pushJson(storage: Storage, mediaType: string, document: object): Promise<Descriptor> {
  return pushBytes(storage, mediaType, Buffer.from(JSON.stringify(document)));
}

export interface RandomImageOptions {
  /** The size of each layer before compression. Default one of 1000 bytes. */
  readonly layerBytes?: readonly number[];
  readonly platform?: Platform;
}

/** An image whose layers are incompressible and unlike any other's. */
export async function pushRandomImage(storage: Storage, options: RandomImageOptions = {}): Promise<Descriptor> {
  const platform = options.platform ?? { os: "linux", architecture: "amd64" };
  const contents = (options.layerBytes ?? [1000]).map((size) => randomBytes(size));
  const layers: Descriptor[] = [];
  for (const content of contents) layers.push(await pushBytes(storage, MediaType.ociLayerGzip, gzipSync(content)));
  const rootfs = { type: "layers", diff_ids: contents.map((content) => digestBytes(content)) };
  const config = await pushJson(storage, MediaType.ociConfig, { ...platform, config: {}, rootfs });
  return pushJson(storage, MediaType.ociManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config,
    layers,
  });
}

/** An index of images for several platforms. */
export async function pushIndex(storage: Storage, platforms: readonly Platform[]): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const platform of platforms) manifests.push({ ...(await pushRandomImage(storage, { platform })), platform });
  return pushJson(storage, MediaType.ociIndex, { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
}
