import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Store } from "../../../layers/index.ts";
import { exitCode, spawnScript, withDirectory } from "../../layers/helpers.ts";
import { solveTest, vertex } from "./graph.ts";

const test = suite("solver in several processes");
const script = new URL("execute-slowly.ts", import.meta.url);

test("processes that solve the same graph at once execute each vertex once between them", async () => {
  await withDirectory(async (root) => {
    const children = Array.from({ length: 3 }, () => spawnScript(script, root));
    const printed = await Promise.all(children.map((child) => text(child.stdout as NodeJS.ReadableStream)));
    assert.equal(await Promise.all(children.map(exitCode)), [0, 0, 0]);
    const executed = printed.flatMap((names) => JSON.parse(names) as string[]);
    assert.equal(executed.sort(), ["base", "left", "right", "top"]);
    assert.equal(await readdir(join(root, "locks")), []);
  });
});

test("builds in one process that solve the same graph at once execute each vertex once between them", async () => {
  await withDirectory(async (root) => {
    const stores = [await Store.open(root), await Store.open(root)];
    const target = vertex("top", [vertex("left", [vertex("base")]), vertex("right", [vertex("base")])]);
    const solved = await Promise.all(stores.map((store) => solveTest(store, target)));
    assert.equal(solved.flatMap(({ executed }) => executed).sort(), ["base", "left", "right", "top"]);
    assert.equal(solved[0]?.result, solved[1]?.result);
  });
});

test("what a killed process was executing is taken over", async () => {
  await withDirectory(async (root) => {
    const child = spawnScript(script, root, "hang");
    await once(child.stdout as NodeJS.ReadableStream, "data");
    child.kill("SIGKILL");
    await exitCode(child);
    const store = await Store.open(root);
    const { executed } = await solveTest(store, vertex("top", [vertex("left", [vertex("base")])]));
    assert.equal(executed, ["base", "left", "top"]);
    assert.is((await readdir(join(root, "tmp"))).length, 2, "only this process's directory and its lock");
  });
});

test("a build that waits for another process can be aborted", async () => {
  await withDirectory(async (root) => {
    const child = spawnScript(script, root, "hang");
    await once(child.stdout as NodeJS.ReadableStream, "data");
    try {
      const signal = AbortSignal.timeout(100);
      await solveTest(await Store.open(root), vertex("base"), { signal }).then(
        assert.unreachable as () => void,
        (error: Error) => {
          assert.is(error.name, "TimeoutError");
        },
      );
    } finally {
      child.kill("SIGKILL");
      await exitCode(child);
    }
  });
});

test.run();
