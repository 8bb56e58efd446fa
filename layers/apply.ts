import { createHash } from "node:crypto";
import type { CallOptions, Descriptor, Digest } from "../registry-client/index.ts";
import { type ApplyResult, applyLayer as applyNative } from "../runtime-core/index.ts";
import { allOrAbort } from "./all-or-abort.ts";
import { chainIds } from "./chain-id.ts";
import { layerCompression, layerMediaType } from "./compression.ts";
import { LayerError, withLayerErrors } from "./errors.ts";
import { withFileLock } from "./file-lock.ts";
import { type ActiveSnapshot, EMPTY_SNAPSHOT, type Snapshot } from "./snapshotter.ts";
import type { Store } from "./store.ts";

export interface ApplyOptions extends CallOptions {
  /** Called when a layer is there: with all its bytes, as stored. */
  readonly onProgress?: (layer: Descriptor, bytes: number) => void;
}

/** One layer of an image with all that is below it. */
interface ChainLink {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
}

/**
 * Unpacks an image's layers, whose blobs are in the store, each into a snapshot of its own that images with the same layers
 * share. Several at once; each is verified, blob and diffId, before it is visible.
 * Throws LayerError: INVALID_IMAGE, UNSUPPORTED_LAYER, DIGEST_MISMATCH, NOT_FOUND, NO_SPACE.
 */
export async function applyImage(
  store: Store,
  layers: readonly Descriptor[],
  diffIds: readonly Digest[],
  options: ApplyOptions = {},
): Promise<Snapshot> {
  const links = chainLinks(layers, diffIds);
  const { base, depth } = await highestKnown(store, links);
  for (const { descriptor } of links.slice(0, depth)) options.onProgress?.(descriptor, descriptor.size);
  const missing = links.slice(depth).map(({ descriptor }, index) => async (signal: AbortSignal) => {
    const snapshot = await applyShared(store, links.slice(0, depth + index + 1), signal);
    options.onProgress?.(descriptor, descriptor.size);
    return snapshot;
  });
  return (await allOrAbort<readonly Snapshot[]>(options.signal, missing)).at(-1) ?? base;
}

/**
 * The chain id covers the blobs beside the diffIds: the same files as another blob are another layer of the image, and what a
 * build yields must not depend on which of the two was pulled first.
 */
function chainLinks(layers: readonly Descriptor[], diffIds: readonly Digest[]): readonly ChainLink[] {
  if (layers.length !== diffIds.length) {
    throw new LayerError(
      "INVALID_IMAGE",
      `the manifest has ${layers.length} layers, the config ${diffIds.length} diff_ids`,
    );
  }
  const pairs = layers.map(({ digest }, index) => sha256(`${diffIds[index]} ${digest}`));
  return chainIds(pairs).map((chainId, index) => ({
    descriptor: layers[index] as Descriptor,
    diffId: diffIds[index] as Digest,
    chainId,
  }));
}

async function highestKnown(store: Store, links: readonly ChainLink[]): Promise<{ base: Snapshot; depth: number }> {
  for (let depth = links.length; depth > 0; depth--) {
    const base = await store.snapshotter.findChain((links[depth - 1] as ChainLink).chainId);
    if (base !== undefined) return { base, depth };
  }
  return { base: EMPTY_SNAPSHOT, depth: 0 };
}

/** The topmost of `links` on those below it: once in this process, and once among all that share the store. */
async function applyShared(store: Store, links: readonly ChainLink[], signal: AbortSignal): Promise<Snapshot> {
  const link = links.at(-1);
  if (link === undefined) return EMPTY_SNAPSHOT;
  return await store.unpacking.run(link.chainId, signal, (shared) =>
    withLayerErrors(() =>
      withFileLock(store.lockPath(link.chainId.replace(":", "-")), shared, async () => {
        return (await store.snapshotter.findChain(link.chainId)) ?? (await applyTop(store, links, link, shared));
      }),
    ),
  );
}

async function applyTop(
  store: Store,
  links: readonly ChainLink[],
  link: ChainLink,
  signal: AbortSignal,
): Promise<Snapshot> {
  const descriptor = plainDescriptor(link.descriptor);
  const { snapshotter } = store;
  let active = await snapshotter.prepare(EMPTY_SNAPSHOT, { signal });
  try {
    // The layer does not wait for those below it: overlayfs stacks them when they are there.
    const [result, parent] = await allOrAbort<readonly [ApplyResult, Snapshot]>(signal, [
      (either) => unpack(store, link, active, either),
      (either) => applyShared(store, links.slice(0, -1), either),
    ]);
    if (dependsOn(result, parent)) {
      await snapshotter.discard(active);
      active = await snapshotter.prepare(parent, { signal });
      await unpack(store, link, active, signal);
    } else {
      active = await snapshotter.rebase(active, parent, result);
    }
    const layer = { descriptor, diffId: link.diffId, isEmpty: result.entries === 0 };
    return await snapshotter.commit(active, { chainId: link.chainId, layer });
  } catch (error) {
    await snapshotter.discard(active);
    throw error;
  }
}

/** A directory that the layer only mentions in a path looks as it does below: such a layer is unpacked again, on its parent. */
function dependsOn({ impliedDirectories }: ApplyResult, parent: Snapshot): boolean {
  return impliedDirectories > 0 && parent.chain.length > 0;
}

async function unpack(
  store: Store,
  link: ChainLink,
  active: ActiveSnapshot,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const { digest, size } = link.descriptor;
  const { upper, lowers } = active.rootfs;
  const request = {
    blob: store.layout.blobPath(digest),
    target: upper,
    lowers,
    digest,
    sizeBytes: size,
    diffId: link.diffId,
  };
  return await store.heavyWork.run(signal, () => applyNative(request, { signal }));
}

/** What identifies the blob, with OCI's media type: the image that is built on it is an OCI image. */
function plainDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  const type = layerCompression(mediaType);
  if (type === undefined) {
    throw new LayerError(
      "UNSUPPORTED_LAYER",
      `layer ${digest} has media type ${mediaType}, which is not a tar of files`,
      {
        hint: "images are built from layers of type tar, tar+gzip or tar+zstd; artifacts, encrypted and Windows layers are not",
      },
    );
  }
  return { mediaType: layerMediaType({ type }), digest, size };
}

function sha256(text: string): Digest {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
