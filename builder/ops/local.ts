import type { LocalOp } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { opKey } from "./op-key.ts";

/** A build context: nothing is copied, what reads it reads the files where they lie, and is keyed by their content. */
export function localRunner(op: LocalOp, { normalizeModes }: OpContext): OpRunner {
  return {
    cacheMap: async () => ({ digest: opKey("local", [op.name, op.path, op.ignore]), isVolatile: true, inputs: [] }),
    exec: async () => ({
      type: "local",
      source: { rootfs: { lowers: [op.path] }, ignore: op.ignore, isContext: true, normalizeModes },
    }),
  };
}
