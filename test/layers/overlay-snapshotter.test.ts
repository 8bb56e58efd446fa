import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EMPTY_SNAPSHOT, packLayer, type Snapshot, Store } from "../../layers/index.ts";
import type { Digest } from "../../registry-client/index.ts";
import { commitFiles, exitCode, spawnScript, withDirectory, withStore, writeFiles } from "./helpers.ts";

const run = promisify(execFile);
const test = suite("overlay snapshotter");
const CHAIN: Digest = `sha256:${"c".repeat(64)}`;

const snapshotPath = (store: Store, id: string) => join(store.root, "snapshots", id);

async function names(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).sort();
}

async function setRecord(store: Store, id: string, change: Record<string, unknown>): Promise<void> {
  const path = join(snapshotPath(store, id), "snapshot.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
}

test("a committed snapshot holds the files that were written and nothing of the mount", async () => {
  await withStore(async (store) => {
    const active = await writeFiles(store, { a: "1" });
    await writeFile(join(active.rootfs.work, "left over"), "");
    const snapshot = await store.snapshotter.commit(active);
    assert.equal(await names(snapshotPath(store, snapshot.id)), ["fs", "snapshot.json"]);
    assert.equal(await names(store.snapshotter.view(snapshot).lowers[0] as string), ["a"]);
    assert.equal(await store.snapshotter.find(snapshot.id), snapshot);
  });
});

test("what is being written is invisible until it is committed, and gone when it is discarded", async () => {
  await withStore(async (store) => {
    const active = await writeFiles(store, { a: "1" });
    assert.equal(await store.snapshotter.find(active.id), undefined);
    await store.snapshotter.discard(active);
    await store.snapshotter.discard(active);
    assert.equal(await names(join(store.root, "snapshots")), ["boot", "chains"]);
    const [own] = (await names(join(store.root, "tmp"))).filter((name) => !name.endsWith(".lock"));
    assert.equal(await names(join(store.root, "tmp", own as string)), []);
  });
});

test("a chain lists its snapshots lowest first, and scratch has none", async () => {
  await withStore(async (store) => {
    const lower = await commitFiles(store, { a: "1" });
    const upper = await commitFiles(store, { b: "2" }, lower);
    assert.equal(upper.chain, [lower.id, upper.id]);
    assert.equal(
      store.snapshotter.view(upper).lowers,
      upper.chain.map((id) => join(snapshotPath(store, id), "fs")),
    );
    assert.equal(store.snapshotter.view(EMPTY_SNAPSHOT).lowers, []);
    assert.equal(await store.snapshotter.find(""), EMPTY_SNAPSHOT);
  });
});

test("a graft has the files of a layer on another root, as the same files, and is that layer", async () => {
  await withStore(async (store) => {
    const base = await commitFiles(store, { a: "old", b: "2" });
    const layer = await commitFiles(store, { a: "new", c: "3" });
    await chmod(join(snapshotPath(store, base.id), "fs"), 0o711);
    const graft = await store.snapshotter.graft(layer, base);
    assert.equal(graft.chain, [base.id, graft.id]);
    const [below, above] = [layer, graft].map(({ id }) => join(snapshotPath(store, id), "fs"));
    assert.equal(await names(above as string), ["a", "c"]);
    assert.is((await stat(join(above as string, "a"))).ino, (await stat(join(below as string, "a"))).ino);
    assert.is((await stat(above as string)).mode & 0o7777, 0o711, "the root directory is the base's");
    const form = { compression: { type: "gzip" }, sourceDateEpoch: 0 } as const;
    assert.equal(await packLayer(graft, store, form), await packLayer(layer, store, form));
  });
});

test("a graft outlives the layer that it was made from, and is packed the same", async () => {
  await withStore(async (store) => {
    const base = await commitFiles(store, { a: "the same" });
    const layer = await commitFiles(store, { a: "the same" });
    const graft = await store.snapshotter.graft(layer, base);
    const form = { compression: { type: "gzip" }, sourceDateEpoch: 0 } as const;
    const before = await packLayer(layer, store, form);
    await store.snapshotter.remove(layer);
    assert.equal(await store.snapshotter.find(graft.id), graft);
    assert.equal(await packLayer(graft, store, form), before);
  });
});

test("a new layer's root directory looks like the one it covers", async () => {
  await withStore(async (store) => {
    const active = await writeFiles(store, {});
    await chmod(active.rootfs.upper, 0o1751);
    await chown(active.rootfs.upper, 7, 8);
    const parent = await store.snapshotter.commit(active);
    const { mode, uid, gid } = await stat((await store.snapshotter.prepare(parent)).rootfs.upper);
    assert.equal([mode & 0o7777, uid, gid], [0o1751, 7, 8]);
    assert.is((await stat((await store.snapshotter.prepare(EMPTY_SNAPSHOT)).rootfs.upper)).mode & 0o7777, 0o755);
  });
});

for (const [damage, harm] of [
  ["a parent is gone", (store, [, b]) => rm(snapshotPath(store, b), { recursive: true })],
  ["the record is cut off", (store, [, b]) => writeFile(join(snapshotPath(store, b), "snapshot.json"), '{"id":')],
  ["the record is empty", (store, [, , c]) => writeFile(join(snapshotPath(store, c), "snapshot.json"), "")],
  ["the record names another snapshot", (store, [a, b]) => setRecord(store, b, { id: a, chain: [a] })],
  ["a parent has other parents", (store, [, b]) => setRecord(store, b, { chain: [b] })],
  ["the chain leaves the store", (store, [, , c]) => setRecord(store, c, { chain: ["../../etc", c] })],
  ["a parent comes from another boot", (store, [a]) => setRecord(store, a, { bootId: "another" })],
] as readonly [string, (store: Store, chain: readonly [string, string, string]) => Promise<void>][]) {
  test(`a snapshot is not found when ${damage}`, async () => {
    await withStore(async (store) => {
      let snapshot: Snapshot = EMPTY_SNAPSHOT;
      for (const name of ["a", "b", "c"]) snapshot = await commitFiles(store, { [name]: name }, snapshot);
      assert.equal(await store.snapshotter.find(snapshot.id), snapshot);
      await harm(store, snapshot.chain as unknown as [string, string, string]);
      assert.is(await store.snapshotter.find(snapshot.id), undefined);
    });
  });
}

for (const id of ["../snapshots", ".", "boot", "chains", "UPPERCASE0", "aaaaaaaaaa", "a/b"]) {
  test(`${JSON.stringify(id)} names no snapshot`, async () => {
    await withStore(async (store) => assert.is(await store.snapshotter.find(id), undefined));
  });
}

test("a snapshot of an earlier boot counts once it was synced, and is removed otherwise", async () => {
  await withDirectory(async (root) => {
    const before = await Store.open(root);
    const synced = await commitFiles(before, { a: "1" });
    await before.sync();
    const lost = await commitFiles(before, { b: "2" }, synced);
    const onLost = await commitFiles(before, { c: "3" }, lost);
    for (const { id } of [synced, lost, onLost]) await setRecord(before, id, { bootId: "earlier" });
    await writeFile(join(root, "snapshots", "boot"), "earlier");

    const after = await Store.open(root);
    assert.equal(await names(join(root, "snapshots")), ["boot", "chains", synced.id].sort());
    assert.equal(await after.snapshotter.find(synced.id), synced);
    assert.is(await after.snapshotter.find(onLost.id), undefined);
  });
});

test("a pulled chain is found by its name, and two that pull it share the first's snapshot", async () => {
  await withStore(async (store) => {
    const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: CHAIN, size: 3 };
    const origin = { chainId: CHAIN, layer: { descriptor, diffId: CHAIN, isEmpty: false } };
    const first = await store.snapshotter.commit(await writeFiles(store, { a: "1" }), origin);
    const second = await store.snapshotter.commit(await writeFiles(store, { a: "1" }), origin);
    assert.equal(second, first);
    assert.equal(await store.snapshotter.findChain(CHAIN), first);
    assert.equal(await store.snapshotter.originOf(first), origin.layer);
    assert.equal(await names(join(store.root, "snapshots")), ["boot", "chains", first.id].sort());
  });
});

test("a chain whose snapshot is gone is unknown, and can be pulled again", async () => {
  await withStore(async (store) => {
    const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: CHAIN, size: 3 };
    const origin = { chainId: CHAIN, layer: { descriptor, diffId: CHAIN, isEmpty: false } };
    await store.snapshotter.remove(await store.snapshotter.commit(await writeFiles(store, { a: "1" }), origin));
    assert.is(await store.snapshotter.findChain(CHAIN), undefined);
    const again = await store.snapshotter.commit(await writeFiles(store, { a: "1" }), origin);
    assert.equal(await store.snapshotter.findChain(CHAIN), again);
  });
});

test("processes that pull the same chain at once end with the same snapshot", async () => {
  await withDirectory(async (root) => {
    const children = Array.from({ length: 4 }, () =>
      spawnScript(new URL("commit-chain.ts", import.meta.url), root, CHAIN),
    );
    const printed = await Promise.all(children.map((child) => text(child.stdout as NodeJS.ReadableStream)));
    assert.equal(await Promise.all(children.map(exitCode)), [0, 0, 0, 0]);
    assert.is(new Set(printed).size, 1);
    const store = await Store.open(root);
    assert.is((await store.snapshotter.findChain(CHAIN))?.id, printed[0]);
  });
});

test("a process that is killed while it commits leaves whole snapshots and what the next one sweeps", async () => {
  await withDirectory(async (root) => {
    for (const afterMs of [0, 3, 7, 17]) {
      const child = spawnScript(new URL("commit-forever.ts", import.meta.url), root);
      await once(child.stdout as NodeJS.ReadableStream, "data");
      await sleep(afterMs);
      child.kill("SIGKILL");
      await exitCode(child);
    }
    const store = await Store.open(root);
    const ids = (await names(join(root, "snapshots"))).filter((name) => name !== "boot" && name !== "chains");
    assert.ok(ids.length >= 4, `${ids.length} snapshots`);
    for (const id of ids) {
      assert.is((await store.snapshotter.find(id))?.id, id);
      assert.equal(await names(snapshotPath(store, id)), ["fs", "snapshot.json", "uses"]);
      assert.is((await names(join(snapshotPath(store, id), "fs"))).length, 50);
    }
    assert.is((await names(join(root, "tmp"))).length, 2, "only this process's directory and its lock");
  });
});

test("a chain of 130 layers is one overlay mount of relative names within the kernel's 4096 bytes", async () => {
  await withStore(async (store) => {
    let snapshot: Snapshot = EMPTY_SNAPSHOT;
    for (let layer = 0; layer < 130; layer++) {
      snapshot = await commitFiles(store, { [`layer-${layer}`]: `${layer}`, top: `${layer}` }, snapshot);
    }
    assert.equal(await store.snapshotter.find(snapshot.id), snapshot);
    const { lowers, upper, work } = (await store.snapshotter.prepare(snapshot)).rootfs;
    const near = (path: string) => relative(join(store.root, "snapshots"), path);
    const options = `lowerdir=${lowers.map(near).reverse().join(":")},upperdir=${near(upper)},workdir=${near(work)}`;
    assert.ok(options.length < 4096, `${options.length} bytes`);
    // A mount namespace of its own: nothing has to be unmounted, whatever happens.
    const script = `cd "$1" && mkdir ../mnt && mount -t overlay overlay -o "$2" ../mnt && ls ../mnt | wc -l && cat ../mnt/top ../mnt/layer-0`;
    const { stdout } = await run("unshare", ["-m", "sh", "-ec", script, "sh", join(store.root, "snapshots"), options]);
    assert.is(stdout.trim(), "131\n1290");
  });
});

test.run();
