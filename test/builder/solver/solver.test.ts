import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withStore } from "../../layers/helpers.ts";
import { contentOf, createTrace, solveTest, vertex } from "./graph.ts";

const test = suite("solver");

const diamond = (text = "base") => {
  const base = vertex("base", [], { text });
  return vertex("top", [vertex("left", [base]), vertex("right", [base])]);
};

test("a cold solve executes every vertex once, inputs first", async () => {
  await withStore(async (store) => {
    const { executed, events, result } = await solveTest(store, diamond(), { jobs: 1 });
    assert.equal([executed[0], executed.slice(1, 3).sort(), executed[3]], ["base", ["left", "right"], "top"]);
    assert.is(events.length, 8);
    assert.equal(await contentOf(store, result), {
      top: JSON.stringify([
        "top",
        [{ left: '["left",[{"base":"[\\"base\\",[]]"}]]' }, { right: '["right",[{"base":"[\\"base\\",[]]"}]]' }],
      ]),
    });
  });
});

test("a solve that is all cached executes nothing and tells of every vertex once, inputs first", async () => {
  await withStore(async (store) => {
    const cold = await solveTest(store, diamond());
    const cached = await solveTest(store, diamond());
    assert.equal(cached.result, cold.result);
    assert.equal(cached.executed, []);
    assert.equal(cached.events, ["base cached", "left cached", "right cached", "top cached"]);
  });
});

test("a changed vertex is executed with what is above it, and nothing else", async () => {
  await withStore(async (store) => {
    const graph = (text: string) => {
      const base = vertex("base");
      return vertex("top", [vertex("left", [base], { text }), vertex("right", [base])]);
    };
    await solveTest(store, graph("1"));
    const { executed, events } = await solveTest(store, graph("2"), { jobs: 1 });
    assert.equal(executed, ["left", "top"]);
    assert.equal(events.filter((event) => event.endsWith("cached")).sort(), ["base cached", "right cached"]);
  });
});

test("a rebuilt input with the same files does not rebuild what reads it by content", async () => {
  await withStore(async (store) => {
    const graph = (text: string) =>
      vertex("run", [
        vertex("copy", [vertex("base"), vertex("stage", [], { text, output: "binary" })], { byContent: [1] }),
      ]);
    const first = await solveTest(store, graph("1"));
    const second = await solveTest(store, graph("2"));
    assert.equal(second.executed, ["stage"]);
    assert.equal(second.result, first.result);
    assert.equal(
      (await solveTest(store, graph("2"))).events,
      ["base", "stage", "copy", "run"].map((name) => `${name} cached`),
    );
  });
});

test("local files count by content, and nothing above them is found by how it was made", async () => {
  await withStore(async (store) => {
    const context = join(store.root, "context");
    await mkdir(context);
    const graph = () =>
      vertex("run", [vertex("copy", [vertex("base"), vertex("context", [], { local: context })], { byContent: [1] })]);
    await writeFile(join(context, "file"), "1");
    assert.equal((await solveTest(store, graph(), { jobs: 1 })).executed.sort(), ["base", "copy", "run"]);
    assert.equal((await solveTest(store, graph())).executed, []);
    await writeFile(join(context, "file"), "2");
    assert.equal((await solveTest(store, graph())).executed, ["copy", "run"]);
    await writeFile(join(context, "file"), "1");
    assert.equal((await solveTest(store, graph())).executed, []);
  });
});

test("what reads local files as a whole is never taken from the cache", async () => {
  await withStore(async (store) => {
    const context = join(store.root, "cache");
    const graph = () => vertex("top", [vertex("reads", [vertex("context", [], { local: context })], { output: "" })]);
    await solveTest(store, graph());
    assert.equal((await solveTest(store, graph())).executed, ["reads", "top"]);
  });
});

test("a vertex that ignores the cache is executed with what is above it, and what it yields is what is found next", async () => {
  await withStore(async (store) => {
    const graph = (ignoreCache: boolean) => vertex("top", [vertex("middle", [vertex("base")], { ignoreCache })]);
    const old = await solveTest(store, graph(false));
    const fresh = await solveTest(store, graph(true));
    assert.equal(fresh.executed, ["middle", "top"]);
    assert.not.equal(fresh.result, old.result);
    const next = await solveTest(store, graph(false));
    assert.equal(next.executed, []);
    assert.equal(next.result, fresh.result);
  });
});

test("what reads a vertex that ignores the cache by content is found again when the files are the same", async () => {
  await withStore(async (store) => {
    const graph = (ignoreCache: boolean) =>
      vertex("copy", [vertex("base"), vertex("stage", [], { ignoreCache })], { byContent: [1] });
    await solveTest(store, graph(false));
    assert.equal((await solveTest(store, graph(true))).executed, ["stage"]);
  });
});

test("of equal vertices one is executed, without the cache when one of them ignores it", async () => {
  await withStore(async (store) => {
    const graph = (ignoreCache: boolean) =>
      vertex("top", [vertex("left", [vertex("base")]), vertex("right", [vertex("base", [], { ignoreCache })])]);
    assert.equal((await solveTest(store, graph(false))).executed.filter((name) => name === "base").length, 1);
    assert.equal((await solveTest(store, graph(true))).executed.sort(), ["base", "left", "right", "top"]);
  });
});

for (const jobs of [1, 2, 5]) {
  test(`with ${jobs} jobs, ${jobs} of ten independent vertices are executed at once`, async () => {
    await withStore(async (store) => {
      let running = 0;
      let most = 0;
      const work = async () => {
        most = Math.max(most, ++running);
        await sleep(20);
        running -= 1;
      };
      await solveTest(
        store,
        vertex(
          "top",
          Array.from({ length: 10 }, (_, i) => vertex(`${i}`, [], { work })),
        ),
        { jobs },
      );
      assert.is(most, jobs);
    });
  });
}

test("twenty vertices that all watch the signal give no warning of Node", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await withStore(async (store) => {
    const work = (signal: AbortSignal) => sleep(20, undefined, { signal });
    await solveTest(
      store,
      vertex(
        "top",
        Array.from({ length: 20 }, (_, i) => vertex(`${i}`, [], { work })),
      ),
      { jobs: 20 },
    );
  });
  process.off("warning", onWarning);
  assert.equal(warnings, []);
});

test("the first failure aborts what runs, waits for its end, and is the one that is thrown", async () => {
  await withStore(async (store) => {
    const trace = createTrace();
    let hasCleanedUp = false;
    const hang = async (signal: AbortSignal) => {
      await sleep(10_000, undefined, { signal }).catch(() => {});
      await sleep(20);
      hasCleanedUp = true;
      throw new Error("another one");
    };
    const fail = async () => {
      await sleep(30);
      throw new Error("exit code: 7\nmore");
    };
    const waits = vertex("waits", [vertex("hangs", [], { work: hang })]);
    const target = vertex("top", [waits, vertex("fails", [], { work: fail }), vertex("quick")]);
    await rejects(solveTest(store, target, { jobs: 3, trace }), /^exit code: 7\nmore$/);
    assert.ok(hasCleanedUp);
    assert.equal(trace.events.sort(), [
      "fails failed",
      "fails started",
      "hangs canceled",
      "hangs started",
      "quick completed",
      "quick started",
    ]);
    assert.equal((await solveTest(store, vertex("quick"))).executed, [], "what was done is kept");
  });
});

test("a vertex that fails is not cached", async () => {
  await withStore(async (store) => {
    const fail = async () => {
      throw new Error("no");
    };
    await rejects(solveTest(store, vertex("top", [], { work: fail })), /^no$/);
    assert.equal((await solveTest(store, vertex("top"))).executed, ["top"]);
  });
});

test("an abort cancels what runs and is thrown with its reason", async () => {
  await withStore(async (store) => {
    const controller = new AbortController();
    const trace = createTrace();
    const work = async (signal: AbortSignal) => {
      controller.abort(new Error("stop"));
      await sleep(10_000, undefined, { signal });
    };
    await rejects(
      solveTest(store, vertex("top", [vertex("base", [], { work })]), { signal: controller.signal, trace }),
      /^stop$/,
    );
    assert.equal(trace.events, ["base started", "base canceled"]);
    await rejects(solveTest(store, vertex("top"), { signal: controller.signal, trace }), /^stop$/);
    assert.equal(trace.executed, ["base"]);
  });
});

for (const [harm, damage] of [
  ["empty", () => ""],
  ["cut off", (text: string) => text.slice(0, -10)],
  ["of another key", (text: string) => text.replace(/[0-9a-f]{60}/, "0".repeat(60))],
  ["of a snapshot that is gone", (text: string) => text.replace(/"snapshotId":"[^"]*"/, '"snapshotId":"aaaaaaaaaa"')],
  ["of a path", (text: string) => text.replace(/"snapshotId":"[^"]*"/, '"snapshotId":"../../../etc"')],
  ["not an object", () => "null"],
] as const) {
  test(`a cache record that is ${harm} is a miss`, async () => {
    await withStore(async (store) => {
      const { result } = await solveTest(store, vertex("top"));
      const cache = join(store.root, "cache");
      for (const name of await readdir(cache)) {
        await writeFile(join(cache, name), damage(await readFile(join(cache, name), "utf8")));
      }
      const again = await solveTest(store, vertex("top"));
      assert.equal(again.executed, ["top"]);
      assert.not.equal(again.result, result);
      assert.equal((await solveTest(store, vertex("top"))).executed, []);
    });
  });
}

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    return assert.match((error as Error).message, message);
  }
  assert.unreachable("did not fail");
}

test.run();
