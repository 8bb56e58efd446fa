import type { OpRunner } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { baseSnapshot } from "./inputs.ts";
import { opKey } from "./op-key.ts";

/** `COPY --link`: a layer that was made on its own, on top of a root. No file is written again, whatever the root has. */
export function mergeRunner(context: OpContext): OpRunner {
  return {
    cacheMap: async () => ({ digest: opKey("merge", []), inputs: [{}, {}] }),
    exec: async (inputs, options) => {
      const { snapshotter } = context.store;
      const [root, layer] = [baseSnapshot(inputs), baseSnapshot(inputs.slice(1))];
      return { type: "snapshot", snapshot: await snapshotter.graft(layer, root, options) };
    },
  };
}
