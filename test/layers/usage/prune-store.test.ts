import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type HeldCache,
  layersOf,
  type PruneStoreOptions,
  pruneStore,
  type Snapshot,
  Store,
} from "../../../layers/index.ts";
import { digestBytes, fromBytes, MediaType } from "../../../registry-client/index.ts";
import { tryHoldFile } from "../../../runtime-core/index.ts";
import { storeProblems } from "../../helpers/store-check.ts";
import { makeTempDir } from "../../helpers/temp.ts";
import { commitFiles, exitCode, spawnScript } from "../helpers.ts";

const test = suite("pruning a store");

const FORM = { compression: { type: "gzip" }, sourceDateEpoch: 0 } as const;

interface Stores {
  readonly root: string;
  /** What a build would have open. */
  readonly building: Store;
  /** Prunes from a store of its own, as another process does. */
  prune(options?: PruneStoreOptions): Promise<readonly string[]>;
}

/** Both are closed at the end, and the store must be whole then. */
async function withStores(use: (stores: Stores) => Promise<void>): Promise<void> {
  const root = join(makeTempDir("prune"), "store");
  const building = await Store.open(root);
  const pruning = await Store.open(root);
  const prune = async (options: PruneStoreOptions = {}) =>
    (await pruneStore(pruning, options)).removed.map(({ id }) => id);
  try {
    await use({ root, building, prune });
  } finally {
    await building.close();
    await pruning.close();
  }
  assert.equal(storeProblems(root), []);
  assert.equal(readdirSync(join(root, "tmp")), []);
}

/** Two snapshots on each other, made by a build that has ended. */
async function madeEarlier(root: string): Promise<readonly [Snapshot, Snapshot]> {
  const store = await Store.open(root);
  try {
    const base = await commitFiles(store, { a: "a" });
    return [base, await commitFiles(store, { b: "b" }, base)];
  } finally {
    await store.close();
  }
}

test("what nobody uses goes, and what a build has made or found stays until that build ends", async () => {
  await withStores(async ({ root, building, prune }) => {
    const [base, top] = await madeEarlier(root);
    assert.equal((await building.snapshotter.find(base.id))?.id, base.id);
    const made = await commitFiles(building, { c: "c" }, base);
    assert.equal(await prune({ all: true }), [top.id]);
    assert.equal((await building.snapshotter.find(made.id))?.id, made.id);
    await building.close();
    assert.equal(await prune({ all: true }), [made.id, base.id]);
  });
});

test("a build that looks for what was removed finds nothing, and makes it again", async () => {
  await withStores(async ({ root, building, prune }) => {
    const [, top] = await madeEarlier(root);
    await prune();
    assert.is(await building.snapshotter.find(top.id), undefined);
    const again = await commitFiles(building, { b: "b" });
    assert.equal(await prune({ all: true }), []);
    assert.ok(await building.snapshotter.find(again.id));
  });
});

test("blobs that a build has written, and what a manifest that it has read needs, stay", async () => {
  await withStores(async ({ root, building, prune }) => {
    const store = await Store.open(root);
    const [layer] = await layersOf(await commitFiles(store, { a: "a" }), store, FORM);
    const config = Buffer.from("{}");
    const described = { mediaType: MediaType.ociConfig, digest: digestBytes(config), size: config.length };
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.ociManifest,
        config: described,
        layers: [layer?.descriptor],
      }),
    );
    const image = { mediaType: MediaType.ociManifest, digest: digestBytes(manifest), size: manifest.length };
    await store.layout.push(described, fromBytes(config));
    await store.layout.push(image, fromBytes(manifest));
    await store.close();

    for await (const _ of await building.layout.fetch(image)) assert.ok(true);
    await prune({ all: true });
    assert.equal(readdirSync(join(root, "blobs", "sha256")).length, 3);
    await building.layout.tag(image, "kept");
    await building.close();
    await prune({ all: true });
    assert.equal(readdirSync(join(root, "blobs", "sha256")).length, 3);
    const closing = await Store.open(root);
    await closing.layout.untag("kept");
    await closing.close();
    assert.equal(await prune(), [image.digest]);
    assert.equal(readdirSync(join(root, "blobs", "sha256")), []);
  });
});

test("nothing is removed when the index is damaged: nobody knows what is needed", async () => {
  await withStores(async ({ root, prune }) => {
    await madeEarlier(root);
    const before = readdirSync(join(root, "snapshots"));
    writeFileSync(join(root, "index.json"), "{");
    try {
      await prune({ all: true });
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code?: string }).code, "INVALID_CONTENT");
    }
    assert.equal(readdirSync(join(root, "snapshots")), before);
    writeFileSync(join(root, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [] }));
  });
});

async function hold(store: Store): Promise<HeldCache> {
  const fill = async (path: string) => mkdirSync(path);
  return await store.cacheMounts.hold("c0de", { sharing: "locked", fill, description: "cached mount /c" });
}

test("a cache of RUN that a step holds stays; later it goes with its lock, and is made anew when it is wanted", async () => {
  await withStores(async ({ root, building, prune }) => {
    const held = await hold(building);
    writeFileSync(join(held.path, "kept"), "");
    assert.equal(await prune({ all: true }), []);
    assert.ok(existsSync(join(held.path, "kept")));
    held.release();
    await building.close();
    assert.equal(await prune(), ["mounts/c0de/0"]);
    assert.equal(readdirSync(join(root, "mounts")), []);
    const next = await Store.open(root);
    const again = await hold(next);
    assert.equal(readdirSync(again.path), []);
    again.release();
    await next.close();
  });
});

test("the lock of a cache that somebody is about to fill stays", async () => {
  await withStores(async ({ root, building, prune }) => {
    (await hold(building)).release();
    await building.close();
    const waiting = tryHoldFile(join(root, "mounts", "c0de", "0.lock"), false);
    assert.equal(await prune(), ["mounts/c0de/0"]);
    assert.equal(readdirSync(join(root, "mounts", "c0de")), ["0.lock"]);
    waiting?.release();
  });
});

test("two prunes at once remove everything once", async () => {
  await withStores(async ({ root, prune }) => {
    const [base, top] = await madeEarlier(root);
    const both = await Promise.all([prune(), prune()]);
    assert.equal(both.flat(), [top.id, base.id]);
  });
});

test("a dry run says the same and removes nothing", async () => {
  await withStores(async ({ root, building, prune }) => {
    const [base, top] = await madeEarlier(root);
    assert.equal(await prune({ dryRun: true }), [top.id, base.id]);
    assert.ok(await building.snapshotter.find(top.id));
  });
});

test("files that name nothing go: cache keys of snapshots that are gone, and what cannot be read", async () => {
  await withStores(async ({ root, prune }) => {
    writeFileSync(join(root, "cache", "key"), JSON.stringify({ snapshotId: "gone123456" }));
    writeFileSync(join(root, "cache", "damaged"), "{");
    assert.equal(await prune(), []);
    assert.equal(readdirSync(join(root, "cache")), []);
  });
});

test("of a prune that is killed at any moment nothing is left half-there", async () => {
  const root = join(makeTempDir("prune"), "store");
  for (const afterMs of [0, 1, 2, 4, 6, 8, 11, 15]) {
    const child = spawnScript(new URL("prune-forever.ts", import.meta.url), root);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    await sleep(afterMs);
    child.kill("SIGKILL");
    await exitCode(child);
    assert.equal(storeProblems(root), []);
    const store = await Store.open(root);
    assert.equal(unfoundRecords(root), []);
    await store.close();
    assert.equal(readdirSync(join(root, "tmp")), []);
  }
});

/** Names go before what they name: a record of a layer has its snapshot, whenever the prune ended. */
function unfoundRecords(root: string): readonly string[] {
  const snapshots = new Set(readdirSync(join(root, "snapshots")));
  return readdirSync(join(root, "layers")).filter((name) => !snapshots.has(name.slice(0, name.indexOf("."))));
}

test.run();
