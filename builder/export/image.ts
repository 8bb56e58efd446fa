import type { Layer, Store } from "../../layers/index.ts";
import {
  type Descriptor,
  digestBytes,
  fromBytes,
  type History,
  type ImageConfig,
  type Manifest,
  MediaType,
} from "../../registry-client/index.ts";
import type { ImageDraft } from "../dispatch/index.ts";
import { goJson } from "./go-json.ts";

export interface WrittenImage {
  /** The manifest. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/**
 * Writes config and manifest of an image into the store: layers by diffId and descriptor in order, every new time the epoch.
 * Reference: image-spec v1.1 config.md and manifest.md; the form is BuildKit's.
 */
export async function writeImage(
  draft: ImageDraft,
  layers: readonly Layer[],
  store: Store,
  sourceDateEpoch: number,
): Promise<WrittenImage> {
  const rows = historyRows(draft, layers, sourceDateEpoch);
  const kept = layers.filter((layer) => !layer.isEmpty);
  const config = imageConfig(draft, kept, rows, sourceDateEpoch);
  const configBytes = goJson(config);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: describe(MediaType.ociConfig, configBytes),
    layers: kept.map((layer) => layer.descriptor),
  };
  await store.layout.push(manifest.config, fromBytes(configBytes));
  const manifestBytes = goJson(manifest);
  const descriptor = describe(MediaType.ociManifest, manifestBytes);
  await store.layout.push(descriptor, fromBytes(manifestBytes));
  return { descriptor, manifest, config };
}

function imageConfig(
  draft: ImageDraft,
  layers: readonly Layer[],
  history: readonly History[],
  epoch: number,
): ImageConfig {
  return {
    ...draft.platform,
    created: timestamp(epoch),
    ...(draft.author === undefined ? {} : { author: draft.author }),
    config: draft.config,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history,
  };
}

/** Dates the rows that this build added. A row whose layer came out empty has none, as in BuildKit. */
function historyRows(draft: ImageDraft, layers: readonly Layer[], epoch: number): readonly History[] {
  let next = 0;
  return draft.history.map((row, index) => {
    const dated = index < draft.baseHistory ? row : { created: timestamp(epoch), ...row };
    if (row.empty_layer === true) return dated;
    return layers[next++]?.isEmpty === true ? { ...dated, empty_layer: true } : dated;
  });
}

/** RFC 3339, whole seconds. */
function timestamp(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace(".000Z", "Z");
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestBytes(bytes), size: bytes.byteLength };
}
