import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { exportTree, type RootfsMount, type RuntimeError, removeTree } from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { EPOCH, listing, plant } from "./tree-fixture.ts";

const suite = createSuite("tree: export and removal");

async function exported(rootfs: RootfsMount, dest = join(makeTempDir("export"), "new/out")): Promise<string> {
  await exportTree(rootfs, dest, { sourceDateEpoch: EPOCH });
  return dest;
}

suite("the merged tree arrives with owners, modes and links, and times are clamped", async () => {
  const lower = plant({
    "a/old": "1",
    "a/gone": "2",
    "b/own": { type: "file", text: "3", owner: [7, 8], mode: 0o4711 },
  });
  const upper = plant({ "a/gone": { type: "whiteout" }, "a/link": { type: "link", text: "/etc/passwd" } });
  utimesSync(join(lower, "a/old"), 1000, 1000);
  const out = await exported({ lowers: [lower, upper] });
  assert.equal(listing(out), {
    a: "dir 0755 0:0",
    "a/link": "link 0:0 /etc/passwd",
    "a/old": "file 0644 0:0 1",
    b: "dir 0755 0:0",
    "b/own": "file 4711 7:8 3",
  });
  assert.is(statSync(join(out, "a/old")).mtimeMs, 1000_000);
  assert.is(statSync(join(out, "b/own")).mtimeMs, EPOCH * 1000);
  assert.is(statSync(join(out, "a")).mtimeMs, EPOCH * 1000);
});

suite("hard links of the image are hard links in the export", async () => {
  const out = await exported({ lowers: [plant({ "a/one": "x", "b/two": { type: "hardlink", text: "a/one" } })] });
  assert.is(statSync(join(out, "a/one")).ino, statSync(join(out, "b/two")).ino);
});

suite("a destination that exists is merged into", async () => {
  const dest = plant({ keep: "k", "d/x": "old" });
  await exported({ lowers: [plant({ "d/x": "new" })] }, dest);
  assert.equal(listing(dest), { d: "dir 0755 0:0", "d/x": "file 0644 0:0 new", keep: "file 0644 0:0 k" });
});

suite("symlinks in the destination are replaced, not written through", async () => {
  const outside = plant({ file: "canary" });
  const dest = plant({});
  symlinkSync(outside, join(dest, "dir"));
  symlinkSync(join(outside, "file"), join(dest, "file"));
  await exported({ lowers: [plant({ "dir/file": "image", file: "image" })] }, dest);
  assert.is(readFileSync(join(outside, "file"), "utf8"), "canary");
  assert.equal(listing(outside), { file: "file 0644 0:0 canary" });
  assert.equal(listing(dest), { dir: "dir 0755 0:0", "dir/file": "file 0644 0:0 image", file: "file 0644 0:0 image" });
});

suite("a file does not replace a directory of the destination", async () => {
  const dest = plant({ "x/mine": "" });
  const error = await exported({ lowers: [plant({ x: "" })] }, dest).catch((e: RuntimeError) => e);
  assert.is(error instanceof Error && error.code, "CONFLICT");
  assert.ok(existsSync(join(dest, "x/mine")));
});

suite("an empty root makes an empty destination", async () => {
  assert.equal(listing(await exported({ lowers: [] })), {});
});

suite("a tree is removed whole; what its symlinks lead to stays", async () => {
  const outside = plant({ "dir/file": "canary" });
  const root = plant({
    "a/b/c": "",
    "a/l": { type: "link", text: outside },
    "a/p": { type: "fifo" },
    "a/closed": { type: "dir", mode: 0 },
  });
  await removeTree(root);
  assert.not.ok(existsSync(root));
  assert.ok(existsSync(join(outside, "dir/file")));
  await removeTree(root);
});

suite("a symlink and a file are removed themselves", async () => {
  const root = plant({ "dir/file": "", file: "", link: { type: "link", text: "dir" } });
  for (const name of ["link", "file"]) await removeTree(join(root, name));
  assert.equal(Object.keys(listing(root)), ["dir", "dir/file"]);
});

suite("a tree deeper than any path is removed", async () => {
  const root = plant({});
  const script = "import os,sys\nos.chdir(sys.argv[1])\nfor i in range(3000):\n os.mkdir('deep'); os.chdir('deep')";
  execFileSync("python3", ["-c", script, root]);
  await removeTree(root);
  assert.not.ok(existsSync(root));
});

suite("a tree deeper than any path is an error to copy, not a crash", async () => {
  const root = plant({});
  const script = "import os,sys\nos.chdir(sys.argv[1])\nfor i in range(3000):\n os.mkdir('deep'); os.chdir('deep')";
  execFileSync("python3", ["-c", script, root]);
  const dest = makeTempDir("deep");
  const error = await exported({ lowers: [root] }, dest).catch((e: RuntimeError) => e);
  assert.is(error instanceof Error && error.code, "TOO_DEEP");
  for (const path of [root, dest]) await removeTree(path);
});

suite("what is mounted in a tree is neither entered nor removed", async () => {
  const root = plant({ "mnt/x": "" });
  const other = plant({ canary: "" });
  execFileSync("mount", ["--bind", other, join(root, "mnt")]);
  try {
    const error = await removeTree(root).catch((e: RuntimeError) => e);
    assert.is(error instanceof Error && error.code, "MOUNTED");
  } finally {
    execFileSync("umount", [join(root, "mnt")]);
  }
  assert.ok(existsSync(join(other, "canary")));
});

suite("a relative path is refused", async () => {
  assert.is(await removeTree("x").catch((e: RuntimeError) => e.code), "INVALID_PATH");
});

suite.run();
