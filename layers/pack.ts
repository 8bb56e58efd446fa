import { rm } from "node:fs/promises";
import type { CallOptions, Digest } from "../registry-client/index.ts";
import { packLayer as packNative } from "../runtime-core/index.ts";
import { allOrAbort } from "./all-or-abort.ts";
import { layerMediaType } from "./compression.ts";
import { LayerError, withLayerErrors } from "./errors.ts";
import { type LayerForm, packedName } from "./known-layers.ts";
import type { Layer } from "./layer.ts";
import type { Snapshot } from "./snapshotter.ts";
import type { Store } from "./store.ts";

export interface PackOptions extends CallOptions, LayerForm {}

/**
 * The top of a snapshot's chain as a layer, its blob in the store. What is known is not read again; what was pulled keeps its
 * blob as it is, in any form. Calls for the same snapshot and form share one run.
 * Throws LayerError: NO_SPACE; BLOB_MISSING when a pulled layer's blob was removed from the store.
 */
export async function packLayer(snapshot: Snapshot, store: Store, options: PackOptions): Promise<Layer> {
  const known = await withLayerErrors(() => knownLayer(snapshot, store, options));
  if (known !== undefined) return known;
  return await store.packing.run(packedName(snapshot, options), options.signal, (signal) =>
    withLayerErrors(() => packOnce(snapshot, store, { ...options, signal })),
  );
}

/** All layers of a snapshot, lowest first; what is missing is packed, several at once. */
export async function layersOf(snapshot: Snapshot, store: Store, options: PackOptions): Promise<readonly Layer[]> {
  const states = snapshot.chain.map((id, depth) => ({ id, chain: snapshot.chain.slice(0, depth + 1) }));
  const tasks = states.map((state) => (signal: AbortSignal) => packLayer(state, store, { ...options, signal }));
  return await allOrAbort<readonly Layer[]>(options.signal, tasks);
}

async function knownLayer(snapshot: Snapshot, store: Store, form: LayerForm): Promise<Layer | undefined> {
  const origin = await store.snapshotter.originOf(snapshot);
  if (origin !== undefined) return await requireBlob(origin, store);
  const known = store.layers.find(snapshot, form);
  return known !== undefined && (await store.layout.exists(known.descriptor)) ? known : undefined;
}

async function packOnce(snapshot: Snapshot, store: Store, options: PackOptions): Promise<Layer> {
  // Another run may just have ended.
  const known = await knownLayer(snapshot, store, options);
  if (known !== undefined) return known;
  const layer = await packNew(snapshot, store, options);
  await store.layers.remember(snapshot, options, layer);
  return layer;
}

/** A grafted snapshot is the layer that it was grafted from, packed once for all of its grafts; nothing below it counts. */
async function packNew(snapshot: Snapshot, store: Store, options: PackOptions): Promise<Layer> {
  const { lowers } = store.snapshotter.view(snapshot);
  const upper = lowers.at(-1);
  if (upper === undefined) throw new Error("scratch has no layer");
  const grafted = await store.snapshotter.graftOf(snapshot);
  if (grafted === undefined) return await pack({ upper, lowers: lowers.slice(0, -1) }, store, options);
  const isThere = (await store.snapshotter.find(grafted.id)) !== undefined;
  return isThere ? await packLayer(grafted, store, options) : await pack({ upper, lowers: [] }, store, options);
}

async function pack(
  files: { readonly upper: string; readonly lowers: string[] },
  store: Store,
  options: PackOptions,
): Promise<Layer> {
  const { compression, sourceDateEpoch } = options;
  const output = store.layout.ingestPath();
  try {
    const request = { ...files, output, compression, sourceDateEpoch };
    const { diffId, digest, sizeBytes, entries } = await store.heavyWork.run(options.signal, () =>
      packNative(request, options),
    );
    const descriptor = { mediaType: layerMediaType(compression), digest: digest as Digest, size: sizeBytes };
    await store.layout.adopt(descriptor, output);
    return { descriptor, diffId: diffId as Digest, isEmpty: entries === 0 };
  } finally {
    await rm(output, { force: true });
  }
}

async function requireBlob(layer: Layer, store: Store): Promise<Layer> {
  if (await store.layout.exists(layer.descriptor)) return layer;
  throw new LayerError("BLOB_MISSING", `the blob ${layer.descriptor.digest} of a pulled layer is not in the store`, {
    hint: "pull the base image again: build with --pull --no-cache",
  });
}
