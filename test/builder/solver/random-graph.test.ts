import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Vertex } from "../../../builder/llb/index.ts";
import type { Store } from "../../../layers/index.ts";
import { withStore } from "../../layers/helpers.ts";
import { contentOf, solveTest, type TestVertex, vertex } from "./graph.ts";

const test = suite("random graphs");

const GRAPHS = 25;

/** Numbers below `limit` that only depend on the seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

/** Up to 14 vertices with up to 3 inputs each, some of them by content, some repeated as equal vertices. */
function randomGraph(seed: number, changed = -1): TestVertex {
  const random = randomNumbers(seed);
  const vertices: TestVertex[] = [];
  const size = 4 + random(11);
  for (let index = 0; index < size; index++) {
    const inputs = Array.from({ length: Math.min(random(4), index) }, () => vertices[random(index)] as TestVertex);
    const byContent = inputs.map((_, input) => input).filter(() => random(3) === 0);
    const delayMs = random(4);
    const work = () => sleep(delayMs);
    const text = index === changed ? "changed" : `${random(2)}`;
    vertices.push(
      vertex(`v${index % 9}`, inputs, { text, byContent, work, ...(random(5) === 0 ? { output: "same" } : {}) }),
    );
  }
  return vertex("target", vertices.slice(-3));
}

function countVertices(target: TestVertex): number {
  const seen = new Set<Vertex>([target]);
  for (const { inputs } of seen) for (const input of inputs) seen.add(input.vertex);
  return new Set([...seen].map(({ digest }) => digest)).size;
}

const keysOf = async (store: Store) => (await readdir(join(store.root, "cache"))).sort();

for (let seed = 1; seed <= GRAPHS; seed++) {
  test(`graph ${seed} gives the same files and keys cold, in parallel, cached, and after a change was taken back`, async () => {
    const target = randomGraph(seed);
    await withStore(async (store) => {
      const cold = await solveTest(store, target, { jobs: 1 });
      const content = await contentOf(store, cold.result);
      const keys = await keysOf(store);
      assert.is(new Set(cold.digests).size, cold.digests.length, "no vertex is executed twice");

      const cached = await solveTest(store, target, { jobs: 4 });
      assert.equal([cached.executed, cached.result], [[], cold.result]);
      assert.is(cached.events.length, countVertices(target));
      assert.equal(await keysOf(store), keys);

      await solveTest(store, randomGraph(seed, 1), { jobs: 4 });
      assert.equal((await solveTest(store, target)).executed, []);

      await withStore(async (other) => {
        const parallel = await solveTest(other, target, { jobs: 8 });
        assert.equal(await contentOf(other, parallel.result), content);
        assert.equal(await keysOf(other), keys);
      });
    });
  });
}

test.run();
