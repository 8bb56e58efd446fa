import { applyImage } from "../../layers/index.ts";
import {
  type CallOptions,
  copyGraph,
  type Descriptor,
  fetchImageConfig,
  fetchManifest,
  OciLayout,
  type ReadonlyTarget,
  Reference,
} from "../../registry-client/index.ts";
import type { ImageOp, Vertex } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { opKey } from "./op-key.ts";

/** FROM an image: its blobs come into the store and its layers are unpacked, each once for all images that share it. */
export function imageRunner(vertex: Vertex, op: ImageOp, context: OpContext): OpRunner {
  return {
    // Where the image comes from does not count: its manifest's digest says what it is.
    cacheMap: async () => ({ digest: opKey("image", op.manifest.digest), inputs: [] }),
    exec: async (_inputs, options) => {
      await pull(vertex, op, context, options);
      const { layout } = context.store;
      const manifest = await fetchManifest(layout, op.manifest, options);
      const config = await fetchImageConfig(layout, manifest.config, options);
      const snapshot = await applyImage(context.store, manifest.layers, config.rootfs.diff_ids, {
        ...options,
        onProgress: (layer, bytes) => report(vertex, layer, "extracting", bytes, context),
      });
      if (op.source.type === "registry") await layout.tag(op.manifest, op.reference, options);
      return { type: "snapshot", snapshot };
    },
  };
}

async function pull(vertex: Vertex, op: ImageOp, context: OpContext, options: CallOptions): Promise<void> {
  const source = await imageSource(op, context);
  if (source === context.store.layout) return;
  await copyGraph(source, context.store.layout, op.manifest, {
    ...options,
    onProgress: ({ descriptor, bytes }) => report(vertex, descriptor, "pulling", bytes, context),
  });
}

/** Where the blobs of a resolved image are read from. */
async function imageSource(op: ImageOp, context: OpContext): Promise<ReadonlyTarget> {
  switch (op.source.type) {
    case "store":
      return context.store.layout;
    case "registry":
      return context.registry.repository(Reference.parse(op.reference));
    case "oci-layout":
      return await OciLayout.open(op.source.path);
  }
}

function report(vertex: Vertex, { digest, size }: Descriptor, verb: string, current: number, context: OpContext): void {
  context.onEvent({
    type: "status",
    digest: vertex.digest,
    id: `${verb} ${digest}`,
    current,
    total: size,
    done: current >= size,
    timeMs: context.elapsedMs(),
  });
}
