import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Store, Workspace } from "../../layers/index.ts";
import { type Descriptor, digestBytes, fromBytes, MediaType } from "../../registry-client/index.ts";
import { withDirectory } from "./helpers.ts";

const test = suite("workspace and store");

test("what has no living owner is swept, what has one stays", async () => {
  await withDirectory(async (root) => {
    const alive = await Workspace.open(root);
    await writeFile(alive.path(), "mine");
    for (const name of ["dead", "orphan"]) {
      await mkdir(join(root, name, "work/work"), { recursive: true });
      await chmod(join(root, name, "work/work"), 0);
    }
    await writeFile(join(root, "dead.lock"), "");
    await writeFile(join(root, "lost.lock"), "");
    const names = new Set(await readdir(root));
    await Workspace.open(root);
    const left = await readdir(root);
    assert.is(left.filter((name) => names.has(name)).length, 2);
    assert.is(left.length, 4);
    const [own] = left.filter((name) => names.has(name) && !name.endsWith(".lock"));
    assert.equal(await readdir(join(root, own as string)), ["1"]);
  });
});

test("a closed workspace leaves nothing", async () => {
  await withDirectory(async (root) => {
    const workspace = await Workspace.open(root);
    await writeFile(workspace.path(), "");
    await workspace.close();
    assert.equal(await readdir(root), []);
  });
});

test("a file is replaced whole, created once, and a failure leaves nothing", async () => {
  await withDirectory(async (root) => {
    const workspace = await Workspace.open(join(root, "tmp"));
    const path = join(root, "file");
    assert.ok(workspace.createFile(path, "1"));
    assert.not.ok(workspace.createFile(path, "2"));
    assert.is(await readFile(path, "utf8"), "1");
    workspace.replaceFile(path, "3");
    assert.is(await readFile(path, "utf8"), "3");
    assert.throws(() => workspace.replaceFile(join(root, "missing", "file"), "4"), /ENOENT/);
    const [own] = (await readdir(join(root, "tmp"))).filter((name) => !name.endsWith(".lock"));
    assert.equal(await readdir(join(root, "tmp", own as string)), []);
  });
});

test("a store is an OCI image layout with what can be made again beside it", async () => {
  await withDirectory(async (root) => {
    const store = await Store.open(root);
    await store.close();
    assert.equal((await readdir(root)).sort(), [
      "blobs",
      "cache",
      "index.json",
      "ingest",
      "layers",
      "locks",
      "oci-layout",
      "snapshots",
      "tmp",
      "tsbuild-store",
    ]);
    await Store.open(root);
  });
});

test("after a crash of the machine, blobs that came after the last sync are kept only when they are whole", async () => {
  await withDirectory(async (root) => {
    const store = await Store.open(root);
    const push = async (text: string) => {
      const descriptor = { mediaType: MediaType.ociLayer, digest: digestBytes(Buffer.from(text)), size: text.length };
      await store.layout.push(descriptor, fromBytes(Buffer.from(text)));
      return descriptor;
    };
    const damage = (blob: Descriptor) => writeFile(store.layout.blobPath(blob.digest), "\0".repeat(blob.size));
    const old = await push("synced");
    await sleep(5);
    await store.sync();
    const [whole, damaged] = [await push("whole"), await push("damaged")];
    await damage(damaged);
    const { mtime } = await stat(store.layout.blobPath(old.digest));
    await damage(old);
    await utimes(store.layout.blobPath(old.digest), mtime, mtime);
    await writeFile(join(root, "snapshots", "boot"), "earlier");
    const { layout } = await Store.open(root);
    assert.equal(await Promise.all([old, whole, damaged].map((blob) => layout.exists(blob))), [true, true, false]);
  });
});

test("a store of another format is refused, by name", async () => {
  await withDirectory(async (root) => {
    await Store.open(root);
    await writeFile(join(root, "tsbuild-store"), "2\n");
    await Store.open(root).then(assert.unreachable as () => void, (error) => {
      assert.is(error.code, "STORE_FORMAT");
      assert.is(error.message, `${root} is a store of format "2", not 1`);
    });
  });
});

test("a store where a file stands is one error with a hint", async () => {
  await withDirectory(async (root) => {
    await writeFile(join(root, "store"), "");
    await Store.open(join(root, "store")).then(assert.unreachable as () => void, (error) => {
      assert.is(error.name, "LayerError");
      assert.ok(error.code);
    });
  });
});

test.run();
