import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { ExtractOptions, Headers, PackOptions } from "tar-fs";
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  OciLayout,
  successors,
} from "../registry-client/index.ts";
import { errnoName, LayerError, layerError } from "./errors.ts";

/** What tar-fs also takes, beside what its typings say. */
interface Verbatim {
  readonly umask: number;
  readonly chown?: boolean;
}

const LAYOUT_FILE = /^(?:\.\/)?(oci-layout|index\.json|blobs\/(?:sha256\/[0-9a-f]{64}|sha512\/[0-9a-f]{128}))$/;

/**
 * Writes an OCI image layout as a tar to `output`, which must not exist: `oci-layout`, `index.json`, then the blobs of each
 * image in the order config, layers, manifest. Equal layouts give equal bytes: owners and times are 0. What no image of the
 * index needs is left out. Nothing is left of `output` after a failure. Reference: image-spec v1.1 image-layout.md.
 */
export async function writeLayoutArchive(directory: string, output: string, options: CallOptions = {}): Promise<void> {
  const entries = ["oci-layout", "index.json", ...(await blobNames(await OciLayout.open(directory), options))];
  const packOptions: PackOptions & Verbatim = { entries, umask: 0, map: reproducible };
  const { pack } = await import("tar-fs");
  const file = createWriteStream(output, { flags: "wx" });
  try {
    await pipeline(pack(directory, packOptions), file, options);
  } catch (error) {
    if (errnoName(error) !== "EEXIST") await rm(output, { force: true });
    throw layerError(error);
  }
}

/**
 * Unpacks the tar of an OCI image layout into `directory`, which is created. Only a layout's own files are taken, as plain
 * files: whatever else the archive holds is left out. Blobs are verified when they are read from the layout.
 * Throws LayerError INVALID_ARCHIVE.
 */
export async function readLayoutArchive(archive: string, directory: string, options: CallOptions = {}): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { extract } = await import("tar-fs");
  const extractOptions: ExtractOptions & Verbatim = {
    ignore: (_name, header) => !isLayoutFile(header),
    map: reproducible,
    umask: 0,
    chown: false,
  };
  try {
    await pipeline(createReadStream(archive), extract(directory, extractOptions), options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw errnoName(error) === undefined ? invalidArchive(archive, error) : layerError(error);
  }
}

async function blobNames(layout: OciLayout, options: CallOptions): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const descriptor of (await layout.index()).manifests) await addBlobs(layout, descriptor, names, options);
  return [...names];
}

/** What a manifest needs comes before it. */
async function addBlobs(
  layout: OciLayout,
  descriptor: Descriptor,
  names: Set<string>,
  options: CallOptions,
): Promise<void> {
  const name = blobName(descriptor.digest);
  if (names.has(name)) return;
  for (const needed of await successors(layout, descriptor, options)) await addBlobs(layout, needed, names, options);
  names.add(name);
}

function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

function reproducible(header: Headers): Headers {
  return { ...header, name: header.name.replace(/^\.\//, ""), mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
}

function isLayoutFile(header: Headers | undefined): boolean {
  return header?.type === "file" && LAYOUT_FILE.test(header.name);
}

function invalidArchive(archive: string, cause: unknown): LayerError {
  return new LayerError("INVALID_ARCHIVE", `${archive} is not a tar archive: ${(cause as Error).message}`, {
    cause,
    hint: "an OCI archive is an uncompressed tar of an image layout, as `--output type=oci,dest=FILE` writes it",
  });
}
