import { EMPTY_SNAPSHOT } from "../../layers/index.ts";
import type { OpRunner } from "../solver/index.ts";
import { opKey } from "./op-key.ts";

/** FROM scratch: the empty root. */
export function scratchRunner(): OpRunner {
  return {
    cacheMap: async () => ({ digest: opKey("scratch", null), inputs: [] }),
    exec: async () => ({ type: "snapshot", snapshot: EMPTY_SNAPSHOT }),
  };
}
