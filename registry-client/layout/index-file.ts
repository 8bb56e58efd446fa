import { open } from "node:fs/promises";
import { parseIndex } from "../documents.ts";
import { RegistryError } from "../errors.ts";
import type { Descriptor, Index } from "../oci.ts";
import { MediaType } from "../oci.ts";
import { Reference } from "../reference.ts";

/** Reference: image-spec v1.1 annotations.md. */
export const refNameAnnotation = "org.opencontainers.image.ref.name";
/** What Docker and containerd write beside it, always the full name. */
const imageNameAnnotation = "io.containerd.image.name";

const maxIndexBytes = 64 << 20;

export const emptyIndex: Index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] };

/** Throws INVALID_CONTENT, or TOO_LARGE past 64 MiB. */
export async function readIndexFile(path: string): Promise<Index> {
  return parseIndex(await readSmallFile(path, maxIndexBytes), path);
}

/** A whole file of at most `maxBytes`; a size that lies (it grows, it is a device) does not matter. */
export async function readSmallFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const info = await file.stat();
    if (!info.isFile() || info.size > maxBytes) {
      throw new RegistryError("TOO_LARGE", `${path} is no file of at most ${maxBytes} bytes`);
    }
    const bytes = Buffer.alloc(info.size);
    const { bytesRead } = await file.read(bytes, 0, info.size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The index with `reference` naming `target`; whatever had that name before has it no more. */
export function withTag(index: Index, target: Descriptor, reference: string): Index {
  const annotations = { ...target.annotations, [refNameAnnotation]: reference };
  const others = index.manifests.filter((entry) => refName(entry) !== reference && !isUntaggedTwin(entry, target));
  return { ...index, manifests: [...others, { ...target, annotations }] };
}

/** The index without that name. The content stays. */
export function withoutTag(index: Index, reference: string): Index {
  return { ...index, manifests: index.manifests.filter((entry) => refName(entry) !== reference) };
}

/** The entry a name means: the very name first, then one that is the same when both are written out in full. */
export function findTagged(index: Index, reference: string): Descriptor | undefined {
  return index.manifests.findLast((entry) => refName(entry) === reference) ?? findCanonical(index, reference);
}

/** The names of an index, in its order. */
export function listTags(index: Index): readonly { readonly reference: string; readonly descriptor: Descriptor }[] {
  return index.manifests.flatMap((descriptor) => {
    const reference = refName(descriptor);
    return reference === undefined ? [] : [{ reference, descriptor }];
  });
}

function refName(entry: Descriptor): string | undefined {
  return entry.annotations?.[refNameAnnotation];
}

function isUntaggedTwin(entry: Descriptor, target: Descriptor): boolean {
  return entry.digest === target.digest && refName(entry) === undefined;
}

function findCanonical(index: Index, reference: string): Descriptor | undefined {
  const wanted = canonicalName(reference);
  if (wanted === undefined) return undefined;
  return index.manifests.findLast((entry) => {
    const names = [entry.annotations?.[imageNameAnnotation], refName(entry)];
    return names.some((name) => name !== undefined && canonicalName(name) === wanted);
  });
}

/** A bare word such as `v1` is a tag, not the image `docker.io/library/v1`: only names with a / or : are written out. */
function canonicalName(text: string): string | undefined {
  if (!/[/:]/.test(text)) return undefined;
  try {
    return Reference.parse(text).toString();
  } catch {
    return undefined;
  }
}
