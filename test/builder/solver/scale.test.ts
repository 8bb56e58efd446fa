import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createVertex, edge, type Vertex } from "../../../builder/llb/index.ts";
import { FileCacheStore, type OpResult, type OpRunner, solve } from "../../../builder/solver/index.ts";
import { EMPTY_SNAPSHOT } from "../../../layers/index.ts";
import { withStore } from "../../layers/helpers.ts";

const test = suite("solver at scale");

const DEPTH = 10_000;
const IN_PLACE: OpResult = { type: "local", source: { rootfs: { lowers: ["/nowhere"] } } };

function chain() {
  let top = createVertex({ type: "scratch" }, [], { name: "0" });
  for (let depth = 1; depth < DEPTH; depth++)
    top = createVertex({ type: "scratch" }, [edge(top)], { name: `${depth}` });
  return edge(top);
}

test("a chain of 10,000 vertices is solved from the cache, in under 300 MB", async () => {
  await withStore(async (store) => {
    const target = chain();
    const cache = new FileCacheStore(store);
    // Only the top is kept: the others are files in place, which the cold solve need not write 10,000 records for.
    const resolveOp = (vertex: Vertex): OpRunner => ({
      cacheMap: async () => ({ digest: vertex.digest, inputs: [{}] }),
      exec: async () => (vertex === target.vertex ? { type: "snapshot", snapshot: EMPTY_SNAPSHOT } : IN_PLACE),
    });
    await solve(target, { cache, resolveOp });
    let cached = 0;
    await solve(target, { cache, resolveOp, onEvent: () => (cached += 1) });
    assert.is(cached, DEPTH);
    assert.ok(process.resourceUsage().maxRSS < 300 * 1024, `${process.resourceUsage().maxRSS} KB`);
  });
});

test.run();
