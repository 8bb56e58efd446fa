import { EMPTY_SNAPSHOT, type Snapshot } from "../layers/index.ts";
import { isDigest } from "../registry-client/index.ts";
import { callOptions } from "./call-options.ts";
import type { ResolvedImage } from "./dispatch/index.ts";
import { ImageResolver } from "./image-resolver.ts";
import { createVertex, edge } from "./llb/index.ts";
import { type OpContext, resolveOp } from "./ops/index.ts";
import type { RunOptions } from "./run-options.ts";
import { FileCacheStore, solve } from "./solver/index.ts";
import { targetPlatform } from "./target-platform.ts";

const LAYOUT = "oci-layout://";

/** An image that can be run: its config, and its files in the store. */
export interface RunnableImage {
  readonly image: ResolvedImage;
  readonly snapshot: Snapshot;
}

/** Finds the image as FROM does, and brings into the store what it lacks. Throws what FROM throws. */
export async function openImage(options: RunOptions, ops: OpContext): Promise<RunnableImage> {
  const image = await resolveImage(options, ops);
  if (image.config.rootfs.diff_ids.length === 0) return { image, snapshot: EMPTY_SNAPSHOT };
  const { reference, manifest, source } = image;
  const vertex = createVertex({ type: "image", reference, manifest, source }, [], { name: `FROM ${reference}` });
  const result = await solve(edge(vertex), {
    ...callOptions(options),
    resolveOp: (needed) => resolveOp(needed, ops),
    cache: new FileCacheStore(ops.store),
    onEvent: ops.onEvent,
    elapsedMs: ops.elapsedMs,
  });
  if (result.type !== "snapshot") throw new Error("an image is a filesystem state");
  return { image, snapshot: result.snapshot };
}

async function resolveImage(options: RunOptions, { store, registry }: OpContext): Promise<ResolvedImage> {
  const { image, pull = "missing" } = options;
  const asked = { ...callOptions(options), platform: targetPlatform(options.platform) };
  const images = new ImageResolver({ store, registry, pull: pull === "always" });
  if (image.startsWith(LAYOUT)) return await images.resolveLayout(image.slice(LAYOUT.length), asked);
  if (isDigest(image) || pull === "never") return await images.resolveStored(image, asked);
  return await images.resolve(image, asked);
}
