import { lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { RuntimeError } from "../../runtime-core/index.ts";
import { failureOf } from "../helpers/failure.ts";
import { makeTempDir, removeTempDir } from "../helpers/temp.ts";
import { applyBytes, names, shell } from "./archive-fixture.ts";
import { base256, gnuLong, member, pax, type RawMember, tar } from "./archive-tar.ts";

const suite = createSuite("layers: what hostile archives may do");

interface Case {
  readonly name: string;
  readonly members: readonly (RawMember | Uint8Array)[];
  /** The code of the error, or what lies in the target afterwards. */
  readonly expected: string | readonly string[];
}

const dir = (name: string): RawMember => ({ name, type: "5", mode: 0o755 });
const symlink = (name: string, link: string): RawMember => ({ name, type: "2", link });
const hardlink = (name: string, link: string): RawMember => ({ name, type: "1", link });
const file = (name: string, data = name): RawMember => ({ name, data });

const CASES: readonly Case[] = [
  { name: "a name with ..", members: [file("../outside/f")], expected: "LAYER_UNSAFE_PATH" },
  {
    name: "a name with .. in the middle",
    members: [dir("a/"), file("a/../../outside/f")],
    expected: "LAYER_UNSAFE_PATH",
  },
  { name: "a name that ends in ..", members: [dir("a/..")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a prefix with ..", members: [{ name: "f", prefix: "../outside" }], expected: "LAYER_UNSAFE_PATH" },
  {
    name: "a pax path with ..",
    members: [pax({ path: "a/../../outside/f" }), file("f")],
    expected: "LAYER_UNSAFE_PATH",
  },
  {
    name: "a GNU long name with ..",
    members: [gnuLong("L", "../outside/f"), file("f")],
    expected: "LAYER_UNSAFE_PATH",
  },
  { name: "an absolute name starts at the layer's root", members: [file("/etc/f")], expected: ["etc/", "etc/f"] },
  { name: "dots and double slashes", members: [file(".//a/.//f")], expected: ["a/", "a/f"] },
  { name: "a file for the root", members: [file("./", "")], expected: [] },
  { name: "a link for the root", members: [symlink("/", "/etc")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a name with a NUL", members: [pax({ path: "a\0b" }), file("f")], expected: "LAYER_CORRUPT" },
  { name: "a name of 256 bytes", members: [pax({ path: "n".repeat(256) }), file("f")], expected: "LAYER_UNSAFE_PATH" },
  {
    name: "a path of 5000 bytes",
    members: [pax({ path: "d/".repeat(2500) }), dir("d")],
    expected: "LAYER_UNSAFE_PATH",
  },
  { name: "a file through an absolute link", members: [symlink("out", "OUTSIDE"), file("out/f")], expected: "INSIDE" },
  {
    name: "a file through a relative link",
    members: [symlink("out", "../outside"), file("out/f")],
    expected: ["out", "outside/", "outside/f"],
  },
  {
    name: "a file through a chain of links",
    members: [symlink("a", ".."), symlink("b", "a/../.."), symlink("c", "b/outside"), file("c/f")],
    expected: ["a", "b", "c", "outside/", "outside/f"],
  },
  { name: "a link to itself as a parent", members: [symlink("l", "l"), file("l/f")], expected: "LAYER_CORRUPT" },
  { name: "a link over a link", members: [symlink("l", "OUTSIDE/secret"), file("l", "mine")], expected: ["l"] },
  {
    name: "a directory over a link, and a file in it",
    members: [symlink("l", "OUTSIDE"), dir("l/"), file("l/f")],
    expected: ["l/", "l/f"],
  },
  { name: "a hard link with ..", members: [hardlink("h", "../outside/secret")], expected: "LAYER_UNSAFE_PATH" },
  { name: "an absolute hard link", members: [hardlink("h", "OUTSIDE/secret")], expected: "LAYER_CORRUPT" },
  {
    name: "a hard link through a link",
    members: [symlink("l", "OUTSIDE"), hardlink("h", "l/secret")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a hard link to a link is the link",
    members: [symlink("l", "OUTSIDE/secret"), hardlink("h", "l"), file("h", "mine")],
    expected: ["h", "l"],
  },
  { name: "a hard link to a directory", members: [dir("d"), hardlink("h", "d")], expected: "LAYER_CORRUPT" },
  { name: "a hard link to nothing", members: [hardlink("h", "missing")], expected: "LAYER_CORRUPT" },
  { name: "a hard link to a whiteout", members: [file(".wh.f"), hardlink("h", "f")], expected: "LAYER_CORRUPT" },
  { name: "a hard link to the root", members: [hardlink("h", "/")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a hard link to itself", members: [file("f"), hardlink("f", "./f")], expected: ["f"] },
  { name: "a file in a file", members: [file("f"), file("f/g")], expected: "LAYER_CORRUPT" },
  { name: "a whiteout of ..", members: [file("d/.wh..."), file("x")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a whiteout of .", members: [file(".wh..")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a whiteout of nothing", members: [file(".wh.")], expected: "LAYER_UNSAFE_PATH" },
  { name: "a whiteout through a link", members: [symlink("l", "OUTSIDE"), file("l/.wh.secret")], expected: "INSIDE" },
  {
    name: "an opaque mark through a link",
    members: [symlink("l", "../outside"), file("l/.wh..wh..opq")],
    expected: ["l", "outside/"],
  },
  { name: "a file in a whiteout", members: [file(".wh.d/f")], expected: "LAYER_UNSAFE_PATH" },
  {
    name: "what AUFS left behind is skipped",
    members: [dir(".wh..wh.plnk/"), file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs"), file("f")],
    expected: ["f"],
  },
  { name: "an empty link", members: [symlink("l", "")], expected: "LAYER_CORRUPT" },
  { name: "a member of an unknown type", members: [{ name: "f", type: "Z" }], expected: "LAYER_UNSUPPORTED" },
  { name: "a multi-volume member", members: [{ name: "f", type: "M" }], expected: "LAYER_UNSUPPORTED" },
  { name: "an owner beyond 32 bits", members: [{ name: "f", uid: base256(1n << 33n, 8) }], expected: "LAYER_CORRUPT" },
  {
    name: "the owner that chown takes as no change",
    members: [{ name: "f", uid: base256(0xffffffffn, 8) }],
    expected: "LAYER_CORRUPT",
  },
  { name: "a negative size", members: [{ name: "f", size: Buffer.alloc(12, 0xff) }], expected: "LAYER_CORRUPT" },
  {
    name: "a size that overflows",
    members: [{ name: "f", size: Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 0xff)]) }],
    expected: "LAYER_CORRUPT",
  },
  { name: "a size beyond the archive", members: [{ name: "f", size: 1 << 20 }], expected: "LAYER_CORRUPT" },
  {
    name: "a size of 2^63 - 1",
    members: [{ name: "f", size: base256((1n << 63n) - 1n, 12) }],
    expected: "LAYER_TOO_LARGE|LAYER_CORRUPT",
  },
  { name: "a number that is none", members: [{ name: "f", size: Buffer.from("12x4") }], expected: "LAYER_CORRUPT" },
  { name: "a wrong checksum", members: [{ name: "f", checksum: "000000\0 " }], expected: "LAYER_CORRUPT" },
  {
    name: "a single block of zeros between members",
    members: [file("f"), Buffer.alloc(512), file("g")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a pax record longer than its header",
    members: [member({ name: "p", type: "x", data: "99 path=x\n" }), file("f")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a pax record without =",
    members: [member({ name: "p", type: "x", data: "8 path\n\n" }), file("f")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a pax record of length 0",
    members: [member({ name: "p", type: "x", data: "0 a=b\n" }), file("f")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a pax header of 2 MiB",
    members: [{ name: "p", type: "x", data: Buffer.alloc(2 << 20, 65) }],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a GNU name of 2 MiB",
    members: [{ name: "p", type: "L", data: Buffer.alloc(2 << 20, 65) }],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a pax path for all that follow is not taken",
    members: [pax({ path: "hidden" }, "g"), file("f")],
    expected: ["f"],
  },
  {
    name: "a sparse map out of order",
    members: [pax({ "GNU.sparse.size": "100", "GNU.sparse.map": "50,1,0,1" }), file("f", "ab")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a sparse map beyond the file",
    members: [pax({ "GNU.sparse.size": "1", "GNU.sparse.map": "0,2" }), file("f", "ab")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a sparse map beyond 64 bits",
    members: [pax({ "GNU.sparse.size": "9", "GNU.sparse.map": "18446744073709551615,2" }), file("f", "ab")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a sparse map that does not match the data",
    members: [pax({ "GNU.sparse.size": "9", "GNU.sparse.map": "0,1" }), file("f", "ab")],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "a sparse file of 2^62 bytes",
    members: [pax({ "GNU.sparse.size": "4611686018427387904", "GNU.sparse.map": "0,1" }), file("f", "a")],
    expected: "LAYER_TOO_LARGE",
  },
  {
    name: "a sparse map that never ends",
    members: [
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }),
      file("f", "9".repeat(2048)),
    ],
    expected: "LAYER_CORRUPT",
  },
  {
    name: "attributes of overlayfs and of the host are not set",
    members: [
      pax({
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.security.selinux": "x",
      }),
      dir("d"),
    ],
    expected: ["d/"],
  },
];

for (const { name, members, expected } of CASES) {
  suite(name, async () => {
    const { work, outside, target } = makeArena();
    const placed = members.map((item) => place(item, outside));
    const outcome = await applyBytes(tar(...placed), { target }).then(
      () => names(target),
      (error: unknown) => error as RuntimeError,
    );
    assert.equal(names(outside), ["secret"]);
    assert.is(readFileSync(join(outside, "secret"), "utf8"), "secret");
    assert.is(lstatSync(join(outside, "secret")).nlink, 1);
    assert.equal(
      names(work).filter((entry) => !/^(layer|outside)\//.test(entry)),
      [],
    );
    if (outcome instanceof Error) {
      assert.instance(outcome, RuntimeError, String(outcome));
      assert.ok(typeof expected === "string", `${outcome.code}: ${outcome.message}`);
      assert.ok(String(expected).split("|").includes(outcome.code), `${outcome.code}: ${outcome.message}`);
    } else if (expected !== "INSIDE") {
      assert.equal(outcome, expected);
    }
  });
}

suite("a directory with overlay attributes in its pax header has none on disk", async () => {
  const header = pax({
    "SCHILY.xattr.trusted.overlay.redirect": "/etc",
    "SCHILY.xattr.user.overlay.opaque": "y",
    "SCHILY.xattr.trusted.x": "y",
  });
  const applied = await applyBytes(tar(header, dir("d")));
  assert.is(shell(applied.path, "getfattr -d -m - d"), "");
});

suite("a blob that unpacks to far more than it can is stopped", async () => {
  const error = await failure(applyBytes(gzipSync(tar(file("zeros", "\0".repeat(3 << 20)))), { maxTarBytes: 1 << 20 }));
  assert.is(error.code, "LAYER_TOO_LARGE");
});

suite("a zstd bomb is stopped by its ratio", async () => {
  const work = makeTempDir("bomb");
  shell(work, "head -c 3G /dev/zero | zstd -q -1 -o bomb.zst");
  const error = await failure(applyBytes(readFileSync(join(work, "bomb.zst"))));
  assert.is(error.code, "LAYER_TOO_LARGE");
});

suite("a link that gives way to a directory leads nowhere any more", async () => {
  const members = [dir("a/"), symlink("l", "a"), file("l/f"), dir("l/"), file("l/g")];
  assert.equal(names((await applyBytes(tar(...members))).path), ["a/", "a/f", "l/", "l/g"]);
});

suite("a path of 2000 directories that nobody made is made, with few of them open", async () => {
  const deep = Array.from({ length: 2000 }, () => "d").join("/");
  const applied = await applyBytes(tar(pax({ path: `${deep}/f` }), file("f")));
  assert.is(applied.impliedDirectories, 2000);
  shell("/", `rm -rf '${applied.path}'`);
});

suite("links that lead to more than a path can hold are refused", async () => {
  const long = "n".repeat(250);
  const chain = Array.from({ length: 15 }, (_, at) => [
    pax({ linkpath: `${`${long}/`.repeat(at)}${long}` }),
    symlink(`l${at}`, "x"),
  ]);
  const members = [...chain.flat(), pax({ path: `l14/${`${long}/`.repeat(14)}f` }), file("f")];
  const { work, target } = makeArena();
  assert.is((await failure(applyBytes(tar(...members), { target }))).code, "LAYER_UNSAFE_PATH");
  // By absolute path, as Node removes, they could not be reached.
  shell("/", `rm -rf '${work}'`);
});

suite("random damage to a tar is an error or another tree, never more", async () => {
  const members = [
    dir("a/"),
    file("a/f", "x".repeat(2000)),
    symlink("l", "a"),
    hardlink("h", "a/f"),
    pax({ path: "a/ü" }),
    file("u"),
    gnuLong("L", "b".repeat(150)),
    file("b"),
    file(".wh.c"),
  ];
  const bytes = tar(...members);
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 300; round++) {
    const { work, outside, target } = makeArena();
    const damaged = Buffer.from(bytes);
    for (let count = 1 + random(4); count > 0; count--) {
      const at = random(damaged.length);
      damaged[at] = random(256);
      fixChecksum(damaged, at - (at % 512));
    }
    const error = await applyBytes(damaged, { target }).catch((caught: unknown) => caught);
    if (error instanceof Error) assert.match(String((error as RuntimeError).code), /^(LAYER_|IO$)/, error.message);
    assert.equal(names(outside), ["secret"]);
    removeTempDir(work);
  }
});

suite("a name in the way of a directory deep down is replaced with all that was in it", async () => {
  const deep = Array.from({ length: 400 }, () => "d").join("/");
  const applied = await applyBytes(tar(pax({ path: `${deep}/` }), dir("d"), file("d", "flat")));
  assert.equal(names(applied.path), ["d"]);
  assert.is(readFileSync(join(applied.path, "d"), "utf8"), "flat");
});

/** Makes the damage reach what reads the header, when `at` is where one starts. */
function fixChecksum(bytes: Buffer, at: number): void {
  const header = bytes.subarray(at, at + 512);
  if (header.subarray(257, 262).toString() !== "ustar") return;
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

/** A target beside a directory that nothing may reach. */
function makeArena(): { work: string; outside: string; target: string } {
  const work = makeTempDir("arena");
  const outside = join(work, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  return { work, outside, target: join(work, "layer") };
}

/** Links to OUTSIDE lead to this arena's. */
function place(item: RawMember | Uint8Array, outside: string): RawMember | Uint8Array {
  if (item instanceof Uint8Array || item.link === undefined) return item;
  return { ...item, link: item.link.replace("OUTSIDE", outside) };
}

function failure(work: Promise<unknown>): Promise<RuntimeError> {
  return failureOf(RuntimeError, work);
}

suite.run();
