import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type HeldCache, type HoldCacheOptions, Store } from "../../layers/index.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("caches of RUN");
const store = await Store.open(makeTempDir("cache-mounts"));
const other = await Store.open(store.root);
let made = 0;

function hold(
  key: string,
  sharing: HoldCacheOptions["sharing"],
  { from = store, signal }: { from?: Store; signal?: AbortSignal } = {},
): Promise<HeldCache> {
  const fill = async (path: string) => {
    mkdirSync(path);
    writeFileSync(join(path, "made"), String(++made));
  };
  return from.cacheMounts.hold(key, { sharing, fill, ...(signal === undefined ? {} : { signal }) });
}

test("a cache is made once, and kept", async () => {
  const first = await hold("a1", "shared");
  writeFileSync(join(first.path, "kept"), "");
  first.release();
  const before = made;
  const second = await hold("a1", "shared", { from: other });
  assert.is(second.path, first.path);
  assert.ok(existsSync(join(second.path, "kept")));
  assert.is(made, before);
  second.release();
});

test("shared: any number have it at once", async () => {
  const held = await Promise.all([hold("b1", "shared"), hold("b1", "shared", { from: other }), hold("b1", "shared")]);
  assert.is(new Set(held.map(({ path }) => path)).size, 1);
  for (const cache of held) cache.release();
});

test("private: everyone has an instance of their own, and takes one that is free before making another", async () => {
  const first = await hold("c1", "private");
  const second = await hold("c1", "private", { from: other });
  assert.is.not(first.path, second.path);
  first.release();
  const third = await hold("c1", "private");
  assert.is(third.path, first.path);
  for (const cache of [second, third]) cache.release();
});

test("locked: the next waits until the first is done", async () => {
  const first = await hold("d1", "locked");
  let isHeld = false;
  const second = hold("d1", "locked", { from: other }).then((cache) => {
    isHeld = true;
    return cache;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.not(isHeld);
  first.release();
  assert.is((await second).path, first.path);
  (await second).release();
});

test("locked waits for those that share it; shared does not wait for who has it locked", async () => {
  const sharing = await hold("e1", "shared");
  const locked = hold("e1", "locked");
  await new Promise((resolve) => setTimeout(resolve, 20));
  sharing.release();
  const lock = await locked;
  const another = await hold("e1", "shared");
  assert.is.not(another.path, lock.path);
  lock.release();
  another.release();
});

test("waiting ends with the signal", async () => {
  const first = await hold("f1", "locked");
  const controller = new AbortController();
  const waiting = hold("f1", "locked", { signal: controller.signal });
  controller.abort(new Error("enough"));
  try {
    await waiting;
    assert.unreachable();
  } catch (error) {
    assert.match(String((error as Error).cause ?? error), /enough|aborted/i);
  }
  first.release();
});

test("a cache that cannot be filled is not there, and is made by the next", async () => {
  const fill = async () => {
    throw new Error("no");
  };
  try {
    await store.cacheMounts.hold("1f", { sharing: "shared", fill });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "no");
  }
  const next = await hold("1f", "locked");
  assert.ok(existsSync(join(next.path, "made")));
  next.release();
});

test.after(async () => {
  await store.close();
  await other.close();
});

test.run();
