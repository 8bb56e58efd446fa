import type { HttpOp, Vertex } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { opKey } from "./op-key.ts";
import { atSource, sourceContext } from "./source-context.ts";

/**
 * ADD of an HTTP address. With a checksum it is known what the file is, and a cached build asks nobody. Without one the
 * server is asked in every build, and what reads the file is keyed by its content.
 */
export function httpRunner(vertex: Vertex, op: HttpOp, context: OpContext): OpRunner {
  const { url, filename, checksum } = op;
  const isPinned = checksum !== undefined;
  return {
    cacheMap: async () => ({
      digest: opKey("http", [filename, checksum ?? url, context.sourceDateEpoch]),
      inputs: [],
      ...(isPinned ? {} : { isVolatile: true }),
    }),
    exec: (_inputs, options) =>
      atSource(vertex, context, async () => {
        const { fetchHttp } = await import("../sources/index.ts");
        const source = { url, filename, ...(isPinned ? { checksum } : {}) };
        const { snapshot } = await fetchHttp(source, sourceContext(context), {
          ...options,
          onProgress: (bytes, total) => report(vertex, bytes, total, context),
        });
        return { type: "snapshot", snapshot };
      }),
  };
}

function report(vertex: Vertex, current: number, total: number, context: OpContext): void {
  context.onEvent({
    type: "status",
    digest: vertex.digest,
    id: "downloading",
    current,
    total,
    done: total > 0 && current >= total,
    timeMs: context.elapsedMs(),
  });
}
