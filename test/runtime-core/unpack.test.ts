import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  applyFileActions,
  RuntimeError,
  type UnpackRequest,
  unpackArchive,
  type WritableRootfs,
} from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { gnuLong, pax, type RawMember, tar } from "./archive-tar.ts";
import { dir, EPOCH, link, listing, type Planted, plant, writable } from "./tree-fixture.ts";

const unpack = suite("unpack");

/** Unpacks bytes into a directory with these things in it; `outside`, beside it, must stay as it is. */
async function unpackBytes(
  bytes: Uint8Array,
  things: Readonly<Record<string, Planted>> = {},
  more: Partial<UnpackRequest> = {},
): Promise<{ readonly isArchive: boolean; readonly target: string }> {
  const work = plant(Object.fromEntries(Object.entries(things).map(([name, thing]) => [`in/${name}`, thing])));
  const target = join(work, "in");
  mkdirSync(target, { recursive: true });
  mkdirSync(join(work, "outside"));
  writeFileSync(join(work, "outside/secret"), "untouched");
  const archive = join(makeTempDir("archive"), "a.bin");
  writeFileSync(archive, bytes);
  try {
    return { isArchive: await unpackArchive({ archive, target, sourceDateEpoch: EPOCH, ...more }), target };
  } finally {
    assert.equal(readdirSync(join(work, "outside")), ["secret"]);
    assert.is(readFileSync(join(work, "outside/secret"), "utf8"), "untouched");
  }
}

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    if (error instanceof RuntimeError) return error.code;
    throw error;
  }
}

const file = (name: string, data = name): RawMember => ({ name, data, mode: 0o640, uid: 3, gid: 4 });
const folder = (name: string): RawMember => ({ name, type: "5", mode: 0o750, uid: 3, gid: 4 });
const symlink = (name: string, target: string): RawMember => ({ name, type: "2", link: target });
const hardlink = (name: string, target: string): RawMember => ({ name, type: "1", link: target });

function compress(argv: readonly string[], bytes: Uint8Array): Buffer {
  return execFileSync(argv[0] ?? "", argv.slice(1), { input: bytes, maxBuffer: 1 << 26 });
}

const PLAIN = tar(folder("d/"), file("d/f", "text"));
const FORMS: readonly (readonly [name: string, bytes: () => Uint8Array])[] = [
  ["plain", () => PLAIN],
  ["gzip", () => compress(["gzip"], PLAIN)],
  [
    "two gzip members",
    () => Buffer.concat([PLAIN.subarray(0, 700), PLAIN.subarray(700)].map((part) => compress(["gzip"], part))),
  ],
  ["bzip2", () => compress(["bzip2"], PLAIN)],
  [
    "two bzip2 streams",
    () => Buffer.concat([PLAIN.subarray(0, 700), PLAIN.subarray(700)].map((part) => compress(["bzip2"], part))),
  ],
  ["xz", () => compress(["xz"], PLAIN)],
  [
    "two xz streams",
    () => Buffer.concat([PLAIN.subarray(0, 700), PLAIN.subarray(700)].map((part) => compress(["xz"], part))),
  ],
  ["zstd", () => compress(["zstd"], PLAIN)],
  [
    "a skippable zstd frame first",
    () => Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9]), compress(["zstd"], PLAIN)]),
  ],
  ["bytes after the end", () => Buffer.concat([PLAIN, Buffer.from("more")])],
  ["gzip with rubbish after it", () => Buffer.concat([compress(["gzip"], PLAIN), Buffer.from("more")])],
];

for (const [name, bytes] of FORMS) {
  unpack(`${name} is an archive`, async () => {
    const { isArchive, target } = await unpackBytes(bytes());
    assert.ok(isArchive);
    assert.equal(listing(target), { d: "dir 0750 3:4", "d/f": "file 0640 3:4 text" });
    assert.is(lstatSync(join(target, "d/f")).mtimeMs, EPOCH * 1000);
    assert.is(lstatSync(join(target, "d")).mtimeMs, EPOCH * 1000);
  });
}

const NO_ARCHIVES: readonly (readonly [name: string, bytes: () => Uint8Array])[] = [
  ["nothing", () => Buffer.alloc(0)],
  ["text", () => Buffer.from("text ".repeat(200))],
  ["compressed text", () => compress(["gzip"], Buffer.from("text ".repeat(200)))],
  ["the first bytes of gzip", () => Buffer.from([0x1f, 0x8b, 0x08])],
  ["the first bytes of xz", () => Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
  ["BZh and text", () => Buffer.from(`BZh is not always bzip2 ${"x".repeat(600)}`)],
  ["a tar without members", () => Buffer.alloc(10240)],
  ["a header whose checksum is wrong", () => tar({ name: "f", checksum: "000001\0 " })],
];

for (const [name, bytes] of NO_ARCHIVES) {
  unpack(`${name} is no archive, and nothing is done`, async () => {
    const { isArchive, target } = await unpackBytes(bytes());
    assert.not(isArchive);
    assert.equal(readdirSync(target), []);
  });
}

unpack("what is there is merged with and replaced, and other directories keep their times", async () => {
  const there = {
    "etc/kept": "kept",
    "etc/old": "old",
    dir: dir(0o700),
    "full/of/files": "x",
    name: dir(0o755),
    lib: link("usr/lib"),
    "usr/lib/libc": "libc",
  };
  const work = plant({});
  const target = join(work, "t");
  mkdirSync(target);
  for (const [path, thing] of Object.entries(there)) plantInto(target, path, thing);
  utimesSync(join(target, "etc"), 1000, 1000);
  const archive = join(makeTempDir("archive"), "a");
  const members = [
    file("etc/old", "new"),
    folder("dir/"),
    file("full", "file"),
    symlink("name", "etc"),
    file("lib/libm"),
  ];
  writeFileSync(archive, tar(...members));
  await unpackArchive({ archive, target, sourceDateEpoch: EPOCH });
  assert.equal(listing(target), {
    dir: "dir 0750 3:4",
    etc: "dir 0755 0:0",
    "etc/kept": "file 0644 0:0 kept",
    "etc/old": "file 0640 3:4 new",
    full: "file 0640 3:4 file",
    lib: "link 0:0 usr/lib",
    name: "link 0:0 etc",
    usr: "dir 0755 0:0",
    "usr/lib": "dir 0755 0:0",
    "usr/lib/libc": "file 0644 0:0 libc",
    "usr/lib/libm": "file 0640 3:4 lib/libm",
  });
  assert.is(lstatSync(join(target, "etc")).mtimeMs, 1000_000);
});

function plantInto(root: string, path: string, thing: Planted): void {
  execFileSync("cp", ["-a", `${plant({ [path]: thing })}/.`, root]);
}

unpack("an owner is that of every member, but not of directories that are only mentioned", async () => {
  const { target } = await unpackBytes(tar(file("a/b/f"), folder("d/")), {}, { owner: { uid: 7, gid: 8 } });
  assert.equal(listing(target), {
    a: "dir 0755 0:0",
    "a/b": "dir 0755 0:0",
    "a/b/f": "file 0640 7:8 a/b/f",
    d: "dir 0750 7:8",
  });
});

unpack("names that mean something in a layer are names like others", async () => {
  const members = [file("keep"), file(".wh.keep", ""), folder("d/"), file("d/.wh..wh..opq", ""), file(".wh..wh.x")];
  const { target } = await unpackBytes(tar(...members), { keep: "there", "d/old": "old" });
  assert.equal(Object.keys(listing(target)), [".wh..wh.x", ".wh.keep", "d", "d/.wh..wh..opq", "d/old", "keep"]);
});

unpack("attributes of overlayfs are not taken from an archive", async () => {
  const bytes = tar(
    pax({ "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.overlay.opaque": "y" }),
    folder("d/"),
  );
  const { target } = await unpackBytes(bytes);
  const listed = execFileSync("getfattr", ["-d", "-m", "-", join(target, "d")], { encoding: "utf8" });
  assert.is(listed, "");
});

const HOSTILE: readonly (readonly [name: string, members: readonly (RawMember | Uint8Array)[], expected: string])[] = [
  ["a name with ..", [file("../outside/f")], "ARCHIVE_UNSAFE_PATH"],
  ["a name that leads out in the middle", [file("a/../../outside/f")], "ARCHIVE_UNSAFE_PATH"],
  ["a long name with ..", [gnuLong("L", "../outside/f"), file("f")], "ARCHIVE_UNSAFE_PATH"],
  ["a pax path with ..", [pax({ path: "../outside/f" }), file("f")], "ARCHIVE_UNSAFE_PATH"],
  ["an absolute name", [file("/../outside/f")], ""],
  ["a file through a link that leads out", [symlink("out", "../outside"), file("out/f")], ""],
  ["a file through an absolute link", [symlink("out", "/"), file("out/outside/f")], ""],
  ["a file in place of a link that leads out", [symlink("secret", "../outside/secret"), file("secret", "new")], ""],
  ["a hard link out", [hardlink("l", "../outside/secret"), file("l", "new")], "ARCHIVE_UNSAFE_PATH"],
  [
    "a hard link through a link that leads out",
    [symlink("out", "../outside"), hardlink("l", "out/secret")],
    "ARCHIVE_CORRUPT",
  ],
  ["a hard link to a directory", [folder("d/"), hardlink("l", "d")], "ARCHIVE_CORRUPT"],
  ["a link for the root", [symlink("./", "../outside")], "ARCHIVE_UNSAFE_PATH"],
  ["links that lead to each other", [symlink("a", "b"), symlink("b", "a"), file("a/f")], "ARCHIVE_CORRUPT"],
  ["a whiteout as a device", [{ name: "gone", type: "3" }], ""],
  ["a member of an unknown type", [{ name: "f", type: "V" }], "ARCHIVE_UNSUPPORTED"],
  ["a member that ends too early", [{ name: "f", data: "x", size: 100_000 }], "ARCHIVE_CORRUPT"],
  ["a member larger than any archive may be", [{ name: "f", size: 8_000_000_000 }], "ARCHIVE_CORRUPT"],
];

for (const [name, members, expected] of HOSTILE) {
  unpack(`${name} stays inside`, async () => {
    assert.is(await code(unpackBytes(tar(...members), { gone: "there" })), expected);
  });
}

unpack("a sparse file that pretends to be huge is refused before it is written", async () => {
  const size = 2 ** 45;
  const header = pax({
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.realsize": String(size),
    "GNU.sparse.name": "big",
  });
  const map = Buffer.alloc(512);
  map.write("0\n");
  assert.is(await code(unpackBytes(tar(header, { name: "x", data: map }))), "ARCHIVE_TOO_LARGE");
});

unpack("a compressed archive that is cut off is corrupt, whatever packs it", async () => {
  const random = Array.from({ length: 65_536 }, (_, index) => createHash("sha256").update(String(index)).digest());
  const bytes = tar({ name: "f", data: Buffer.concat(random) });
  for (const program of ["gzip", "bzip2", "xz", "zstd"]) {
    const packed = compress([program, "-1"], bytes);
    const half = packed.subarray(0, Math.floor(packed.length * 0.9));
    assert.is(await code(unpackBytes(half)), "ARCHIVE_CORRUPT", program);
  }
});

unpack("an xz stream that asks for four gigabytes of memory is no archive", async () => {
  const packed = compress(["xz", "--format=xz", "--lzma2=preset=0,dict=1GiB"], PLAIN);
  const bytes = Buffer.from(packed);
  // The dictionary's size in the block header, xz-file-format section 5.3.1, and that header's checksum.
  const at = bytes.indexOf(Buffer.from([0x21, 0x01]), 12) + 2;
  bytes[at] = 40;
  const length = ((bytes[12] ?? 0) + 1) * 4;
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(bytes.subarray(12, 12 + length - 4)));
  crc.copy(bytes, 12 + length - 4);
  assert.not((await unpackBytes(bytes)).isArchive);
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

unpack("over a stage, an archive replaces and merges what its layers have", async () => {
  const lower = plant({ "app/old": "old", "app/keep": "keep", "gone/x": "x" });
  const root: WritableRootfs = writable(plant({}), lower);
  const archive = plant({ "a.tar": tar(file("old", "new"), { name: "gone", type: "3" }).toString("latin1") });
  writeFileSync(join(archive, "a.tar"), tar(folder("./"), file("old", "new"), { name: "keep", type: "3" }));
  const selection = { source: { rootfs: { lowers: [archive] }, isContext: true }, paths: ["/a.tar"], wildcards: false };
  const action = { type: "copy", selection, dest: "/app", unpack: true } as const;
  await applyFileActions(root, [action], { sourceDateEpoch: EPOCH });
  assert.equal(listing(root.upper), { app: "dir 0755 0:0", "app/old": "file 0640 3:4 new" });
});

unpack.run();
