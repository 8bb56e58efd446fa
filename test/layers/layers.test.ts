import { execFile } from "node:child_process";
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  applyImage,
  EMPTY_SNAPSHOT,
  type Layer,
  layersOf,
  packLayer,
  type Snapshot,
  Store,
} from "../../layers/index.ts";
import { type Descriptor, type Digest, digestBytes, fromBytes, MediaType } from "../../registry-client/index.ts";
import { commitFiles, withDirectory, withStore, writeFiles } from "./helpers.ts";

const run = promisify(execFile);
const test = suite("layers");

const FORM = { compression: { type: "gzip" }, sourceDateEpoch: 315_532_800 } as const;

const descriptors = (layers: readonly Layer[]): readonly Descriptor[] => layers.map(({ descriptor }) => descriptor);
const diffIds = (layers: readonly Layer[]): readonly Digest[] => layers.map(({ diffId }) => diffId);
const topOf = (store: Store, snapshot: Snapshot) => store.snapshotter.view(snapshot).lowers.at(-1) as string;

/** A snapshot of three layers, with a directory, a symlink, a set-id file and a file that is covered. */
async function commitImage(store: Store): Promise<Snapshot> {
  const base = await writeFiles(store, { a: "a", covered: "lower" });
  const directory = join(base.rootfs.upper, "dir");
  await mkdir(directory);
  await chown(directory, 5, 6);
  await chmod(directory, 0o2750);
  await writeFile(join(directory, "tool"), "#!/bin/sh\n");
  await chmod(join(directory, "tool"), 0o4755);
  await symlink("dir/tool", join(base.rootfs.upper, "link"));
  const lower = await store.snapshotter.commit(base);
  const middle = await commitFiles(store, { b: "b" }, lower);
  return await commitFiles(store, { covered: "upper" }, middle);
}

/** A layer as another tool may write it: only these of ".", "dir" and "dir/file", of this owner, directories of this mode. */
async function foreignLayer(store: Store, names: readonly string[], mode: number, owner: number): Promise<Layer> {
  return await withDirectory(async (directory) => {
    await mkdir(join(directory, "dir"));
    await writeFile(join(directory, "dir/file"), "");
    for (const name of [".", "dir"]) await chmod(join(directory, name), mode);
    const options = [`--owner=${owner}`, `--group=${owner}`, "--no-recursion"];
    const { stdout } = await run("tar", ["-c", ...options, "-C", directory, ...names], { encoding: "buffer" });
    const descriptor = { mediaType: MediaType.ociLayer, digest: digestBytes(stdout), size: stdout.byteLength };
    await store.layout.push(descriptor, fromBytes(stdout));
    return { descriptor, diffId: descriptor.digest, isEmpty: false };
  });
}

async function copyBlobs(from: Store, to: Store, layers: readonly Layer[]): Promise<void> {
  for (const { descriptor } of layers) await to.layout.push(descriptor, from.layout.source(descriptor));
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: { readonly code: string }) => thrown,
  );
  assert.is(error?.code, code, error === undefined ? "did not fail" : String(error));
}

test("an image is packed, carried to another store and unpacked there with the same files and layers", async () => {
  await withStore(async (store) => {
    const snapshot = await commitImage(store);
    const layers = await layersOf(snapshot, store, FORM);
    assert.is(layers.length, 3);
    await withStore(async (other) => {
      await copyBlobs(store, other, layers);
      const seen: [Descriptor, number][] = [];
      const onProgress = (layer: Descriptor, bytes: number) => seen.push([layer, bytes]);
      const pulled = await applyImage(other, descriptors(layers), diffIds(layers), { onProgress });
      assert.equal(seen.map(([, bytes]) => bytes).sort(), layers.map(({ descriptor }) => descriptor.size).sort());
      const [lowest] = other.snapshotter.view(pulled).lowers as [string];
      const { mode, uid, gid } = await lstat(join(lowest, "dir"));
      assert.equal([mode & 0o7777, uid, gid], [0o2750, 5, 6]);
      assert.is((await lstat(join(lowest, "dir/tool"))).mode & 0o7777, 0o4755);
      assert.is(await readFile(join(lowest, "link"), "utf8"), "#!/bin/sh\n");
      assert.is(await readFile(join(topOf(other, pulled), "covered"), "utf8"), "upper");
      assert.equal(await layersOf(pulled, other, FORM), layers);
      assert.equal(await layersOf(pulled, other, { ...FORM, compression: { type: "zstd" } }), layers);
    });
  });
});

test("a blob is what GNU tar reads, under the digest of its bytes", async () => {
  await withStore(async (store) => {
    const { descriptor, diffId } = await packLayer(await commitFiles(store, { a: "1", b: "2" }), store, FORM);
    const blob = store.layout.blobPath(descriptor.digest);
    const listing = await run("tar", ["-tzf", blob]);
    assert.equal(listing.stdout.trim().split("\n"), ["a", "b"]);
    const sums = await run("sh", ["-c", 'sha256sum < "$1" && zcat "$1" | sha256sum', "sh", blob]);
    assert.equal(
      sums.stdout
        .trim()
        .split("\n")
        .map((line) => `sha256:${line.slice(0, 64)}`),
      [descriptor.digest, diffId],
    );
  });
});

test("equal files give equal layers in another store", async () => {
  const pack = () => withStore(async (store) => await layersOf(await commitImage(store), store, FORM));
  assert.equal(await pack(), await pack());
});

test("a layer in each form is packed once, and what is known is not read again", async () => {
  await withStore(async (store) => {
    const snapshot = await commitFiles(store, { a: "1" });
    const [first, second] = await Promise.all([packLayer(snapshot, store, FORM), packLayer(snapshot, store, FORM)]);
    assert.is(first, second);
    await rm(join(topOf(store, snapshot), "a"));
    assert.equal(await packLayer(snapshot, store, FORM), first);
    assert.equal(await packLayer(snapshot, await Store.open(store.root), FORM), first);
    const other = await packLayer(snapshot, store, { ...FORM, compression: { type: "none" } });
    assert.not.equal(other.descriptor.digest, first.descriptor.digest);
  });
});

test("a layer whose blob or record is damaged is packed again", async () => {
  await withStore(async (store) => {
    const snapshot = await commitFiles(store, { a: "1" });
    const layer = await packLayer(snapshot, store, FORM);
    await truncate(store.layout.blobPath(layer.descriptor.digest), 3);
    assert.equal(await packLayer(snapshot, store, FORM), layer);
    for (const name of await readdir(join(store.root, "layers"))) await truncate(join(store.root, "layers", name), 9);
    assert.equal(await packLayer(snapshot, store, FORM), layer);
    assert.ok(await store.layout.exists(layer.descriptor));
  });
});

test("a step that changed nothing has an empty layer", async () => {
  await withStore(async (store) => {
    const below = await commitFiles(store, { a: "1" });
    assert.ok((await packLayer(await commitFiles(store, {}, below), store, FORM)).isEmpty);
    assert.not.ok((await packLayer(below, store, FORM)).isEmpty);
  });
});

test("an image of 40 layers is packed and pulled without a warning of Node", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await withStore(async (store) => {
    let snapshot: Snapshot = EMPTY_SNAPSHOT;
    for (let layer = 0; layer < 40; layer++) snapshot = await commitFiles(store, { [`${layer}`]: "" }, snapshot);
    const layers = await layersOf(snapshot, store, FORM);
    assert.is((await applyImage(store, descriptors(layers), diffIds(layers))).chain.length, 40);
  });
  process.off("warning", onWarning);
  assert.equal(warnings, []);
});

test("images that share their lower layers share the snapshots of those", async () => {
  await withStore(async (store) => {
    const layers = await layersOf(await commitImage(store), store, FORM);
    const [two, three] = await Promise.all([
      applyImage(store, descriptors(layers.slice(0, 2)), diffIds(layers.slice(0, 2))),
      applyImage(store, descriptors(layers), diffIds(layers)),
    ]);
    assert.equal(three.chain.slice(0, 2), two.chain);
    assert.equal(await applyImage(store, descriptors(layers), diffIds(layers)), three);
    assert.equal(await readdir(join(store.root, "locks")), []);
  });
});

for (const [names, root, dir] of [
  [["dir/file"], [0o1770, 5], [0o1770, 5]],
  [
    ["dir", "dir/file"],
    [0o1770, 5],
    [0o711, 1],
  ],
  [
    [".", "dir/file"],
    [0o711, 1],
    [0o1770, 5],
  ],
  [
    [".", "dir", "dir/file"],
    [0o711, 1],
    [0o711, 1],
  ],
] as const) {
  test(`a layer of ${names.join(" ")} leaves what else there is of directories as it is below`, async () => {
    await withStore(async (store) => {
      const layers = [await foreignLayer(store, [".", "dir"], 0o1770, 5), await foreignLayer(store, names, 0o711, 1)];
      const pulled = await applyImage(store, descriptors(layers), diffIds(layers));
      const stats = await Promise.all(["", "dir"].map((name) => lstat(join(topOf(store, pulled), name))));
      assert.equal(
        stats.map(({ mode, uid }) => [mode & 0o7777, uid]),
        [root, dir],
      );
    });
  });
}

test("the same files as another blob are another layer: what is built on an image keeps that image's blobs", async () => {
  await withStore(async (store) => {
    const snapshot = await commitFiles(store, { a: "1" });
    for (const type of ["gzip", "zstd", "none"] as const) {
      const layer = await packLayer(snapshot, store, { ...FORM, compression: { type } });
      const pulled = await applyImage(store, [layer.descriptor], [layer.diffId]);
      assert.equal(await layersOf(pulled, store, FORM), [layer]);
    }
  });
});

test("an abort of one pull does not hurt another of the same layers", async () => {
  await withStore(async (store) => {
    const layers = await layersOf(await commitImage(store), store, FORM);
    const controller = new AbortController();
    const aborted = applyImage(store, descriptors(layers), diffIds(layers), { signal: controller.signal });
    const whole = applyImage(store, descriptors(layers), diffIds(layers));
    controller.abort(new Error("stop"));
    await aborted.then(
      () => assert.unreachable("not aborted"),
      (error: Error) => assert.is(error.message, "stop"),
    );
    assert.is((await whole).chain.length, 3);
  });
});

for (const [title, code, change] of [
  [
    "a blob that is not what its digest says",
    "DIGEST_MISMATCH",
    async (store, [first]) => {
      const path = store.layout.blobPath(first.descriptor.digest);
      const bytes = await readFile(path);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      await writeFile(path, bytes);
      return {};
    },
  ],
  [
    "a diffId that the config lies about",
    "DIGEST_MISMATCH",
    async (_store, layers) => ({
      diffIds: [`sha256:${"0".repeat(64)}`, ...diffIds(layers).slice(1)],
    }),
  ],
  [
    "a blob that is missing",
    "NOT_FOUND",
    async (store, [first]) => {
      await rm(store.layout.blobPath(first.descriptor.digest));
      return {};
    },
  ],
  ["fewer diffIds than layers", "INVALID_IMAGE", async (_store, layers) => ({ diffIds: diffIds(layers).slice(1) })],
  [
    "a layer that is not a tar",
    "UNSUPPORTED_LAYER",
    async (_store, [first, ...rest]) => ({
      layers: [{ ...first.descriptor, mediaType: "application/vnd.example.wasm" }, ...descriptors(rest)],
    }),
  ],
] as readonly [
  string,
  string,
  (
    store: Store,
    layers: readonly [Layer, ...Layer[]],
  ) => Promise<{ readonly layers?: readonly Descriptor[]; readonly diffIds?: readonly Digest[] }>,
][]) {
  test(`${title} is ${code} and leaves no snapshot`, async () => {
    await withStore(async (source) => {
      const layers = await layersOf(await commitImage(source), source, FORM);
      await withStore(async (store) => {
        await copyBlobs(source, store, layers);
        const changed = await change(store, layers as unknown as [Layer, ...Layer[]]);
        await rejects(
          applyImage(store, changed.layers ?? descriptors(layers), changed.diffIds ?? diffIds(layers)),
          code,
        );
        assert.equal((await readdir(join(store.root, "snapshots"))).sort(), ["boot", "chains"]);
        const workspace = dirname(store.workspace.path());
        assert.equal(await readdir(workspace), []);
      });
    });
  });
}

test("a pulled layer whose blob was removed is said to be missing", async () => {
  await withStore(async (store) => {
    const layers = await layersOf(await commitFiles(store, { a: "1" }), store, FORM);
    const pulled = await applyImage(store, descriptors(layers), diffIds(layers));
    await rm(store.layout.blobPath((layers[0] as Layer).descriptor.digest));
    await rejects(layersOf(pulled, store, FORM), "BLOB_MISSING");
  });
});

test("a full disk is NO_SPACE with a hint, and nothing half-written stays", async () => {
  await withDirectory(async (directory) => {
    // A filesystem of 4 MB in a mount namespace of its own, for the rest of a process that then is this test's child.
    const script = new URL("full-disk.ts", import.meta.url).pathname;
    const mounted = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" --import tsx "$3" "$1"';
    const { stdout } = await run("unshare", ["-m", "sh", "-ec", mounted, "sh", directory, process.execPath, script]);
    const { pack, apply, save, left } = JSON.parse(stdout);
    for (const failure of [pack, apply, save]) {
      assert.equal([failure.name, failure.code, /TSBUILD_STORE/.test(failure.hint)], ["LayerError", "NO_SPACE", true]);
    }
    assert.equal(left, []);
  });
});

test.run();
