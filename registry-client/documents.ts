import { type Digest, isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { isIndexType, isManifestType } from "./media-type.ts";
import type { Descriptor, ImageConfig, Index, Manifest } from "./oci.ts";
import type { CallOptions, ReadonlyStorage } from "./storage.ts";
import { verifyBytes } from "./verify.ts";

/** Largest manifest or index read, as registries and other clients have it: 4 MiB. */
export const maxManifestBytes: number = 4 << 20;

/** Largest image configuration read. */
export const maxConfigBytes: number = 8 << 20;

/**
 * Small content, whole and verified. A descriptor's own `data` is used where it is there.
 * Throws TOO_LARGE before anything is fetched when the descriptor promises more than `maxBytes`.
 */
export async function fetchBytes(
  storage: ReadonlyStorage,
  descriptor: Descriptor,
  maxBytes: number = maxManifestBytes,
  options: CallOptions = {},
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) {
    throw new RegistryError("TOO_LARGE", `${descriptor.digest} has ${descriptor.size} bytes, more than ${maxBytes}`);
  }
  if (descriptor.data !== undefined) return embeddedBytes(descriptor, descriptor.data);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await storage.fetch(descriptor, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The manifest `descriptor` names. Throws INVALID_CONTENT when it is not one. */
export async function fetchManifest(
  storage: ReadonlyStorage,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<Manifest> {
  return parseManifest(await fetchBytes(storage, descriptor, maxManifestBytes, options), descriptor.digest);
}

/** The index `descriptor` names. Throws INVALID_CONTENT when it is not one. */
export async function fetchIndex(
  storage: ReadonlyStorage,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<Index> {
  return parseIndex(await fetchBytes(storage, descriptor, maxManifestBytes, options), descriptor.digest);
}

/** The image configuration `descriptor` names. Throws INVALID_CONTENT when it is not one. */
export async function fetchImageConfig(
  storage: ReadonlyStorage,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<ImageConfig> {
  return parseImageConfig(await fetchBytes(storage, descriptor, maxConfigBytes, options), descriptor.digest);
}

/** Reference: image-spec v1.1 manifest.md. `name` stands in the error. Throws INVALID_CONTENT. */
export function parseManifest(bytes: Uint8Array, name = "manifest"): Manifest {
  const document = parseObject(bytes, name);
  checkSchema(document, name, isManifestType, "an image manifest");
  checkDescriptor(document["config"], `${name}: config`);
  checkDescriptors(document["layers"], `${name}: layers`);
  if (document["subject"] !== undefined) checkDescriptor(document["subject"], `${name}: subject`);
  return document as unknown as Manifest;
}

/** Reference: image-spec v1.1 image-index.md. `name` stands in the error. Throws INVALID_CONTENT. */
export function parseIndex(bytes: Uint8Array, name = "index"): Index {
  const document = parseObject(bytes, name);
  checkSchema(document, name, isIndexType, "an image index");
  checkDescriptors(document["manifests"], `${name}: manifests`);
  if (document["subject"] !== undefined) checkDescriptor(document["subject"], `${name}: subject`);
  return document as unknown as Index;
}

/** Reference: image-spec v1.1 config.md. `name` stands in the error. Throws INVALID_CONTENT. */
export function parseImageConfig(bytes: Uint8Array, name = "image configuration"): ImageConfig {
  const document = parseObject(bytes, name);
  const rootfs = document["rootfs"];
  if (!isObject(rootfs) || !Array.isArray(rootfs["diff_ids"]) || !rootfs["diff_ids"].every(isDigestValue)) {
    throw invalid(`${name}: rootfs.diff_ids is no list of digests`);
  }
  for (const key of ["architecture", "os"]) {
    if (typeof document[key] !== "string") throw invalid(`${name}: ${key} is no string`);
  }
  if (document["config"] !== undefined && document["config"] !== null && !isObject(document["config"])) {
    throw invalid(`${name}: config is no object`);
  }
  return document as unknown as ImageConfig;
}

/** The media type a manifest or index has, by its own word or by its shape; undefined for anything else. */
export function sniffMediaType(bytes: Uint8Array): string | undefined {
  try {
    const document = parseObject(bytes, "");
    const declared = document["mediaType"];
    if (typeof declared === "string") return isIndexType(declared) || isManifestType(declared) ? declared : undefined;
    if (Array.isArray(document["manifests"])) return "application/vnd.oci.image.index.v1+json";
    if (Array.isArray(document["layers"])) return "application/vnd.oci.image.manifest.v1+json";
  } catch {
    // No JSON object, so no manifest: blobs of every kind are asked about.
  }
  return undefined;
}

function embeddedBytes(descriptor: Descriptor, data: string): Uint8Array {
  const bytes = Buffer.from(data, "base64");
  verifyBytes(bytes, descriptor);
  return bytes;
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDigestValue(value: unknown): value is Digest {
  return typeof value === "string" && isDigest(value);
}

function parseObject(bytes: Uint8Array, name: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RegistryError("INVALID_CONTENT", `${name} is no JSON`, { cause });
  }
  if (!isObject(value)) throw invalid(`${name} is no JSON object`);
  return value;
}

function checkSchema(document: JsonObject, name: string, isExpected: (type: string) => boolean, what: string): void {
  if (document["schemaVersion"] === 1) {
    throw new RegistryError("UNSUPPORTED", `${name} is a Docker schema 1 manifest`, {
      hint: "push the image again with a current client: schema 1 has been withdrawn",
    });
  }
  const mediaType = document["mediaType"];
  if (
    document["schemaVersion"] !== 2 ||
    (mediaType !== undefined && !(typeof mediaType === "string" && isExpected(mediaType)))
  ) {
    throw invalid(`${name} is not ${what}`);
  }
}

function checkDescriptors(value: unknown, name: string): void {
  if (!Array.isArray(value)) throw invalid(`${name} is no list`);
  for (const [index, item] of value.entries()) checkDescriptor(item, `${name}[${index}]`);
}

function checkDescriptor(value: unknown, name: string): void {
  if (!isObject(value)) throw invalid(`${name} is no descriptor`);
  if (typeof value["mediaType"] !== "string") throw invalid(`${name} has no media type`);
  if (!isDigestValue(value["digest"])) throw invalid(`${name} has no valid digest`);
  if (!Number.isSafeInteger(value["size"]) || (value["size"] as number) < 0) throw invalid(`${name} has no valid size`);
}

function invalid(message: string): RegistryError {
  return new RegistryError("INVALID_CONTENT", message);
}
