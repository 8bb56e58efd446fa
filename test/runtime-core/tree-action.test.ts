import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { applyFileActions, digestSelection, type RuntimeError } from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";
import {
  context,
  copy,
  dir,
  EPOCH,
  getXattr,
  link,
  listing,
  plant,
  select,
  setXattr,
  stage,
  writable,
} from "./tree-fixture.ts";

const suite = createSuite("tree: file actions");

suite("everything a copy creates has the epoch as its mtime; a directory that was there keeps its own", async () => {
  const lower = plant({ "old/keep": "" });
  const oldTime = statSync(join(lower, "old")).mtimeMs;
  const rootTime = statSync(lower).mtimeMs;
  const rootfs = writable(lower);
  const source = context({ "d/sub/a": "1", "d/l": link("a"), "d/p": { type: "fifo" } });
  await copy(rootfs, select(source, "/d"), "/old/new/er");
  for (const path of ["old/new", "old/new/er", "old/new/er/sub", "old/new/er/sub/a", "old/new/er/l", "old/new/er/p"]) {
    assert.is(lstatSync(join(rootfs.upper, path)).mtimeMs, EPOCH * 1000, path);
  }
  assert.is(statSync(join(rootfs.upper, "old")).mtimeMs, oldTime);
  assert.is(statSync(rootfs.upper).mtimeMs >= rootTime, true);
});

suite("owners and modes of another stage are kept, setuid and capabilities with them", async () => {
  const capability = "0x0100000200040000000000000000000000000000";
  const source = stage({
    "d/su": { type: "file", text: "x", owner: [100, 200], mode: 0o4755 },
    "d/ping": { type: "file", text: "x", owner: [1, 2], mode: 0o755 },
    "d/box": { type: "dir", owner: [3, 4], mode: 0o2750 },
    "d/null": { type: "char", mode: 0o666 },
    "d/pipe": { type: "fifo", mode: 0o640, owner: [5, 6] },
  });
  setXattr(join(source.rootfs.lowers[0] ?? "", "d/ping"), "security.capability", capability);
  setXattr(join(source.rootfs.lowers[0] ?? "", "d/su"), "user.note", "kept");
  const rootfs = writable();
  await copy(rootfs, select(source, "/d"), "/x");
  assert.equal(listing(rootfs.upper), {
    x: "dir 0755 0:0",
    "x/box": "dir 2750 3:4",
    "x/null": "char 0666 0:0",
    "x/ping": "file 0755 1:2 x",
    "x/pipe": "fifo 0640 5:6",
    "x/su": "file 4755 100:200 x",
  });
  assert.is(getXattr(join(rootfs.upper, "x/ping"), "security.capability"), capability.slice(2));
  assert.is(getXattr(join(rootfs.upper, "x/su"), "user.note"), Buffer.from("kept").toString("hex"));
});

suite("hard links are kept across the directories of a source, not across sources", async () => {
  const source = context({
    "d/a/first": "same",
    "e/second": { type: "hardlink", text: "d/a/first" },
    "d/z/third": { type: "hardlink", text: "d/a/first" },
  });
  const rootfs = writable();
  await copy(rootfs, select(source, "/d", "/e"), "/x/");
  const [first, third, second] = ["x/a/first", "x/z/third", "x/second"].map(
    (path) => statSync(join(rootfs.upper, path)).ino,
  );
  assert.is(first, third);
  assert.is.not(first, second);
});

suite("a large file is copied whole, from a context and from a stage", async () => {
  const big = "0123456789abcdef".repeat(300_000);
  for (const source of [context({ big }), { rootfs: { lowers: [plant({}), plant({ big })] } }]) {
    const rootfs = writable(plant({}));
    await copy(rootfs, select(source, "/big"), "/big");
    assert.ok(readFileSync(join(rootfs.upper, "big"), "utf8") === big);
  }
});

suite("WORKDIR makes what is missing, through symlinks, and touches nothing that is there", async () => {
  const rootfs = writable(plant({ "srv/keep": "", app: link("/srv"), there: dir(0o700, [9, 9]) }));
  const owner = { uid: 5, gid: 6 };
  const mkdir = (path: string) =>
    applyFileActions(rootfs, [{ type: "mkdir", path, mode: 0o755, owner }], { sourceDateEpoch: EPOCH });
  await mkdir("/there");
  await mkdir("/app");
  assert.equal(readdirSync(rootfs.upper), []);
  await mkdir("/app/a/b");
  assert.equal(listing(rootfs.upper), { srv: "dir 0755 0:0", "srv/a": "dir 0755 5:6", "srv/a/b": "dir 0755 5:6" });
  assert.is(statSync(join(rootfs.upper, "srv/a")).mtimeMs, EPOCH * 1000);
});

suite("a written file replaces what is there, its parents made", async () => {
  const rootfs = writable(plant({ old: { type: "file", text: "a longer text", mode: 0o600 } }));
  const file = (path: string) => ({
    type: "mkfile" as const,
    path,
    mode: 0o644,
    owner: { uid: 1, gid: 2 },
    data: new TextEncoder().encode("text"),
  });
  await applyFileActions(rootfs, [file("/old"), file("/new/er")], { sourceDateEpoch: EPOCH });
  assert.equal(listing(rootfs.upper), {
    new: "dir 0755 1:2",
    "new/er": "file 0644 1:2 text",
    old: "file 0644 1:2 text",
  });
});

suite("names that are not text are copied as they are", async () => {
  const source = context({});
  const name = Buffer.from([0x66, 0xff, 0x6f]);
  const root = source.rootfs.lowers[0] ?? "";
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), "1");
  const rootfs = writable();
  await copy(rootfs, select(source, "/"), "/");
  assert.equal(readdirSync(rootfs.upper, { encoding: "buffer" }), [name]);
});

suite("an aborted copy rejects with the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const actions = [{ type: "copy" as const, selection: select(context({ a: "" }), "/a"), dest: "/" }];
  const error = await applyFileActions(writable(), actions, { sourceDateEpoch: EPOCH, signal }).catch((e: Error) => e);
  assert.is(error?.message, "enough");
});

suite("a full disk is NO_SPACE", async () => {
  const disk = makeTempDir("disk");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
  try {
    const rootfs = { lowers: [plant({})], upper: join(disk, "upper"), work: join(disk, "work") };
    for (const path of [rootfs.upper, rootfs.work]) mkdirSync(path);
    const source = context({ big: "x".repeat(2 << 20) });
    const error = await copy(rootfs, select(source, "/big"), "/big").catch((e: RuntimeError) => e);
    assert.is(error?.code, "NO_SPACE");
    assert.is(error?.subject, "/big");
  } finally {
    execFileSync("umount", [disk]);
  }
});

suite("a file that is not as long as it says is SOURCE_CHANGED", async () => {
  // What lies in /proc claims to have no bytes.
  const selection = select({ rootfs: { lowers: ["/proc/sys/kernel"] } }, "/ostype");
  const code = (e: RuntimeError) => e.code;
  assert.is(await copy(writable(), selection, "/x").catch(code), "SOURCE_CHANGED");
  assert.is(await digestSelection(selection).catch(code), "SOURCE_CHANGED");
});

suite("a copy that is aborted on the way stops", async () => {
  const files = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, ""]));
  const rootfs = writable(plant({}));
  const selection = select(context(files), "/");
  const copies = Array.from({ length: 200 }, (_, n) => ({ type: "copy" as const, selection, dest: `/${n}/` }));
  const abort = new AbortController();
  const done = applyFileActions(rootfs, copies, { sourceDateEpoch: EPOCH, signal: abort.signal });
  setTimeout(() => abort.abort(new Error("enough")), 50);
  assert.is(await done.catch((e: Error) => e.message), "enough");
  assert.ok(readdirSync(rootfs.upper).length < 200);
});

suite("the upper can be mounted again after a copy", async () => {
  const rootfs = writable(plant({ a: "" }));
  for (const name of ["/one", "/two"]) await copy(rootfs, select(context({ f: "" }), "/f"), name);
  assert.equal(Object.keys(listing(rootfs.upper)), ["one", "two"]);
});

suite.run();
