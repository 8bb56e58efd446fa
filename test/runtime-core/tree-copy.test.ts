import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, ftruncateSync, lstatSync, openSync, statSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { type FileMode, RuntimeError } from "../../runtime-core/index.ts";
import { mounts } from "../helpers/mounts.ts";
import { context, copy, dir, link, listing, type Planted, plant, select, writable } from "./tree-fixture.ts";

const suite = createSuite("tree: COPY");

interface Case {
  readonly name: string;
  readonly source: Readonly<Record<string, Planted>>;
  readonly paths?: readonly string[];
  readonly wildcards?: boolean;
  readonly lower?: Readonly<Record<string, Planted>>;
  readonly dest: string;
  readonly more?: { owner?: { uid: number; gid: number }; mode?: FileMode };
  /** The upper afterwards; or the code of the error. */
  readonly expected: Readonly<Record<string, string>> | string;
}

const cases: readonly Case[] = [
  {
    name: "a file is renamed to a dest that is missing",
    source: { a: "1" },
    paths: ["/a"],
    dest: "/x/y",
    expected: { x: "dir 0755 0:0", "x/y": "file 0644 0:0 1" },
  },
  {
    name: "a file goes into a dest that ends in a slash",
    source: { a: "1" },
    paths: ["/a"],
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/a": "file 0644 0:0 1" },
  },
  {
    name: "a file goes into a dest that is a directory, whose mode and owner stay",
    source: { a: "1" },
    paths: ["/a"],
    lower: { x: dir(0o1777, [3, 4]) },
    dest: "/x",
    expected: { x: "dir 1777 3:4", "x/a": "file 0644 0:0 1" },
  },
  {
    name: "several files go into a dest with a slash",
    source: { a: "1", b: "2" },
    paths: ["/a", "/b"],
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/a": "file 0644 0:0 1", "x/b": "file 0644 0:0 2" },
  },
  {
    name: "several files go into a dest that is a directory",
    source: { a: "1", b: "2" },
    paths: ["/a", "/b"],
    lower: { x: dir(0o711) },
    dest: "/x",
    expected: { x: "dir 0711 0:0", "x/a": "file 0644 0:0 1", "x/b": "file 0644 0:0 2" },
  },
  {
    name: "of several files none replaces the other",
    source: { a: "1", b: "2" },
    paths: ["/a", "/b"],
    dest: "/x",
    expected: "SEVERAL_SOURCES",
  },
  {
    name: "a file follows a directory into the dest that the directory made",
    source: { "d/a": "1", b: "2" },
    paths: ["/d", "/b"],
    dest: "/x",
    expected: { x: "dir 0755 0:0", "x/a": "file 0644 0:0 1", "x/b": "file 0644 0:0 2" },
  },
  {
    name: "a directory does not follow a file",
    source: { "d/a": "1", b: "2" },
    paths: ["/b", "/d"],
    dest: "/x",
    expected: "CONFLICT",
  },
  {
    name: "a symbolic mode changes each file's own",
    source: {
      "d/run": { type: "file", text: "1", mode: 0o755 },
      "d/sub": dir(0o700),
      "d/sub/f": "2",
      "d/l": link("f"),
    },
    paths: ["/d"],
    dest: "/x/",
    more: {
      mode: [
        { op: "clear", bits: 0o777 },
        { op: "set", bits: 0o640 },
        { op: "set-if-executable", bits: 0o110 },
      ],
    },
    expected: {
      x: "dir 0755 0:0",
      "x/l": "link 0:0 f",
      "x/run": "file 0750 0:0 1",
      "x/sub": "dir 0750 0:0",
      "x/sub/f": "file 0640 0:0 2",
    },
  },
  {
    name: "a directory's contents are copied, not the directory, and not its mode",
    source: { d: dir(0o700), "d/a": "1", "d/sub": dir(0o711), "d/sub/b": "2" },
    paths: ["/d"],
    dest: "/x",
    expected: { x: "dir 0755 0:0", "x/a": "file 0644 0:0 1", "x/sub": "dir 0711 0:0", "x/sub/b": "file 0644 0:0 2" },
  },
  {
    name: "a directory is merged with what is there; nested ones take the source's mode and owner",
    source: { "d/sub/b": "2", "d/sub": dir(0o711) },
    paths: ["/d"],
    lower: { x: dir(0o750, [7, 7]), "x/keep": "k", "x/sub": dir(0o700, [7, 7]), "x/sub/keep": "k" },
    dest: "/x/",
    expected: { x: "dir 0750 7:7", "x/sub": "dir 0711 0:0", "x/sub/b": "file 0644 0:0 2" },
  },
  {
    name: "a file replaces a file",
    source: { a: "new" },
    paths: ["/a"],
    lower: { x: { type: "file", text: "old", mode: 0o600, owner: [5, 5] } },
    dest: "/x",
    expected: { x: "file 0644 0:0 new" },
  },
  {
    name: "a directory over a file is a conflict",
    source: { "d/x/a": "1" },
    paths: ["/d"],
    lower: { x: "file" },
    dest: "/",
    expected: "CONFLICT",
  },
  {
    name: "a file over a directory is a conflict",
    source: { "d/x": "1" },
    paths: ["/d"],
    lower: { "x/a": "file" },
    dest: "/",
    expected: "CONFLICT",
  },
  {
    name: "a directory over a symlink is a conflict",
    source: { "d/lib/a": "1" },
    paths: ["/d"],
    lower: { "usr/lib/b": "2", lib: link("usr/lib") },
    dest: "/",
    expected: "CONFLICT",
  },
  {
    name: "a dest below a file is a conflict",
    source: { a: "1" },
    paths: ["/a"],
    lower: { x: "file" },
    dest: "/x/y/",
    expected: "CONFLICT",
  },
  {
    name: "a symlinked dest is followed inside the root",
    source: { a: "1" },
    paths: ["/a"],
    lower: { "real/keep": "", to: link("/real") },
    dest: "/to/",
    expected: { real: "dir 0755 0:0", "real/a": "file 0644 0:0 1" },
  },
  {
    name: "a dest symlink with too many .. ends in the root",
    source: { a: "1" },
    paths: ["/a"],
    lower: { to: link("../../../../etc") },
    dest: "/to/a",
    expected: { etc: "dir 0755 0:0", "etc/a": "file 0644 0:0 1" },
  },
  {
    name: "a dest symlink to a file writes that file of the root, not of the host",
    source: { a: "1" },
    paths: ["/a"],
    lower: { to: link("/etc/passwd") },
    dest: "/to",
    expected: { etc: "dir 0755 0:0", "etc/passwd": "file 0644 0:0 1" },
  },
  {
    name: "a source symlink that leads out is resolved inside the source",
    source: { "etc/hostname": "inside", out: link("/etc/hostname"), up: link("../../../etc") },
    paths: ["/out", "/up/hostname"],
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/out": "file 0644 0:0 inside", "x/hostname": "file 0644 0:0 inside" },
  },
  {
    name: "a source symlink to what only the host has is not found",
    source: { out: link("/etc/passwd") },
    paths: ["/out"],
    dest: "/x",
    expected: "NOT_FOUND",
  },
  {
    name: "a loop of symlinks is an error",
    source: { a: link("b"), b: link("a") },
    paths: ["/a"],
    dest: "/x",
    expected: "IO",
  },
  {
    name: "symlinks in a copied tree stay as they are",
    source: { "d/out": link("/etc/passwd"), "d/up": link("../../..") },
    paths: ["/d"],
    dest: "/x",
    expected: { x: "dir 0755 0:0", "x/out": "link 0:0 /etc/passwd", "x/up": "link 0:0 ../../.." },
  },
  {
    name: "a copied symlink is not written through by what comes after it",
    source: { "one/x": link("/elsewhere"), "two/x": "data" },
    paths: ["/one", "/two"],
    lower: { elsewhere: "untouched" },
    dest: "/",
    expected: { x: "file 0644 0:0 data" },
  },
  {
    name: "--chown and --chmod hold for files, directories and new parents",
    source: { "d/sub/a": "1", "d/l": link("a") },
    paths: ["/d"],
    dest: "/x/y",
    more: { owner: { uid: 10, gid: 20 }, mode: 0o770 },
    expected: {
      x: "dir 0770 10:20",
      "x/y": "dir 0770 10:20",
      "x/y/l": "link 10:20 a",
      "x/y/sub": "dir 0770 10:20",
      "x/y/sub/a": "file 0770 10:20 1",
    },
  },
  {
    name: "a missing literal is an error even beside one that exists",
    source: { a: "1" },
    paths: ["/a", "/package-lock.jsn"],
    dest: "/x/",
    expected: "NOT_FOUND",
  },
  {
    name: "a pattern without a match is nothing",
    source: { a: "1" },
    paths: ["/*.txt", "/none/*"],
    wildcards: true,
    dest: "/x/",
    expected: {},
  },
  {
    name: "patterns stay inside a component; matched directories give their contents",
    source: { "a1/f": "1", "a2/g": "2", "b/h": "3", "a3.txt": "4" },
    paths: ["/a[1-2]", "/?[^0-9]*", "/a?.t*"],
    wildcards: true,
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/f": "file 0644 0:0 1", "x/g": "file 0644 0:0 2", "x/a3.txt": "file 0644 0:0 4" },
  },
  {
    name: "a pattern in the middle of a path",
    source: { "p/a/package.json": "1", "p/b/package.json": "2", "p/c/other": "3" },
    paths: ["/p/*/package.json"],
    wildcards: true,
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/package.json": "file 0644 0:0 2" },
  },
  {
    name: "an escaped pattern character is itself",
    source: { "a*": "1", ab: "2" },
    paths: ["/a\\*"],
    wildcards: true,
    dest: "/x/",
    expected: { x: "dir 0755 0:0", "x/a*": "file 0644 0:0 1" },
  },
  {
    name: "a malformed pattern",
    source: { a: "1" },
    paths: ["/[a"],
    wildcards: true,
    dest: "/x/",
    expected: "BAD_PATTERN",
  },
  {
    name: "the whole source",
    source: { "s/a": "1" },
    paths: ["/"],
    dest: "/",
    expected: { s: "dir 0755 0:0", "s/a": "file 0644 0:0 1" },
  },
  {
    name: "an empty directory makes its dest",
    source: { d: dir(0o755) },
    paths: ["/d"],
    dest: "/x/y",
    expected: { x: "dir 0755 0:0", "x/y": "dir 0755 0:0" },
  },
];

for (const { name, source, paths = ["/"], wildcards = false, lower = {}, dest, more = {}, expected } of cases) {
  suite(name, async () => {
    const rootfs = writable(plant({}), plant(lower));
    const before = mounts();
    const error = await copy(rootfs, { source: context(source), paths, wildcards }, dest, more).catch(
      (e: unknown) => e,
    );
    assert.equal(mounts(), before);
    if (typeof expected === "string") {
      assert.instance(error, RuntimeError);
      assert.is((error as RuntimeError).code, expected);
      return;
    }
    assert.is(error, undefined, String(error));
    assert.equal(listing(rootfs.upper), expected);
  });
}

suite("hard links are kept within a directory, not among the matches of a pattern", async () => {
  const source = context({ "d/a": "1", "d/b": { type: "hardlink", text: "d/a" } });
  const rootfs = writable();
  await copy(rootfs, select(source, "/d"), "/whole");
  await copy(rootfs, { source, paths: ["/d/*"], wildcards: true }, "/each/");
  const links = ["whole/a", "whole/b", "each/a", "each/b"].map((path) => statSync(join(rootfs.upper, path)).nlink);
  assert.equal(links, [2, 2, 1, 1]);
});

suite("a missing source is named as it was asked for", async () => {
  const error = await copy(writable(), select(context({}), "/package-lock.jsn"), "/").catch((e: RuntimeError) => e);
  assert.is(error?.subject, "/package-lock.jsn");
});

suite("a conflict names the path", async () => {
  const rootfs = writable(plant({ "etc/x": "" }));
  const error = await copy(rootfs, select(context({ "d/etc": "" }), "/d"), "/").catch((e: RuntimeError) => e);
  assert.match(error?.message ?? "", "cannot replace to directory /etc with file");
});

suite("a socket becomes an empty file; a FIFO and a device stay what they are", async () => {
  const source = context({ p: { type: "fifo", mode: 0o640 }, c: { type: "char", mode: 0o600 } });
  const [directory = ""] = source.rootfs.lowers;
  const server = createServer().listen(join(directory, "s"));
  await once(server, "listening");
  chmodSync(join(directory, "s"), 0o755);
  const rootfs = writable();
  await copy(rootfs, select(source, "/"), "/x/");
  server.close();
  const stats = ["p", "c", "s"].map((name) => lstatSync(join(rootfs.upper, "x", name)));
  assert.equal([stats[0]?.isFIFO(), stats[1]?.isCharacterDevice(), stats[2]?.isFile()], [true, true, true]);
  assert.equal(
    stats.map(({ mode }) => mode & 0o7777),
    [0o640, 0o600, 0o755],
  );
});

suite("holes of a file stay holes, its data stays in place", async () => {
  const source = context({ f: "begin" });
  const [directory = ""] = source.rootfs.lowers;
  const path = join(directory, "f");
  const middle = 40 * 2 ** 20;
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(200_000, "data"), 0, 200_000, middle);
  ftruncateSync(file, 2 ** 26 + 5);
  closeSync(file);
  const rootfs = writable();
  await copy(rootfs, select(source, "/f"), "/f");
  const copied = join(rootfs.upper, "f");
  const { size, blocks } = statSync(copied);
  assert.is(size, 2 ** 26 + 5);
  assert.ok(blocks * 512 < 2 ** 20, `${blocks} blocks`);
  execFileSync("cmp", [path, copied]);
});

suite.run();
