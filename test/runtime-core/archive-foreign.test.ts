import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { makeTempDir } from "../helpers/temp.ts";
import { applyBytes, describeTree, makeTree, shell } from "./archive-fixture.ts";
import { ODD_TREE } from "./archive-odd-tree.ts";
import { base256, gnuLong, member, pax, tar } from "./archive-tar.ts";

const suite = createSuite("layers: archives that others wrote");

/** The odd tree without what only layers know, whiteouts and links to links and fifos, and with what only others write: holes. */
const tree = makeTree(`${ODD_TREE}
  rm dir/removed removed-dir opaque/gone run/fifo2 dir/s2; setfattr -x trusted.overlay.opaque opaque
  truncate -s 5M holes; for at in 0 1000000 3333333; do printf data | dd of=holes bs=1 seek=$at conv=notrunc status=none; done
  truncate -s 3M only-a-hole; for n in $(seq 0 60); do printf x | dd of=many-holes bs=1 seek=$((n * 65536)) status=none conv=notrunc; done
  find . -name '*hole*' -exec touch -d @1500000000 {} +; touch -d @1500000000 . opaque dir run`);

interface Writer {
  readonly name: string;
  /** Writes the archive of the working directory to stdout. */
  readonly command: string;
  /** What the format cannot say, taken out of both sides. */
  readonly without?: RegExp;
}

const XATTRS = "--xattrs --xattrs-include='*'";
const PYTHON = `import sys, tarfile
out = tarfile.open(fileobj=sys.stdout.buffer, mode=sys.argv[1], format=getattr(tarfile, sys.argv[2]))
out.add(".")
out.close()`;
const python = (mode: string, format: string) => `python3 -c '${PYTHON}' '${mode}' ${format}`;
const CAPABILITY = / security\.capability=\S+/;

const WRITERS: readonly Writer[] = [
  { name: "GNU tar, pax", command: `tar --format=posix ${XATTRS} -cf - .` },
  { name: "GNU tar, pax with holes", command: `tar --format=posix ${XATTRS} -Scf - .` },
  { name: "GNU tar, pax 0.0 with holes", command: `tar --format=posix --sparse-version=0.0 ${XATTRS} -Scf - .` },
  { name: "GNU tar, pax 0.1 with holes", command: `tar --format=posix --sparse-version=0.1 ${XATTRS} -Scf - .` },
  { name: "GNU tar, its own format", command: "tar --format=gnu -cf - .", without: CAPABILITY },
  { name: "GNU tar, its own format with holes", command: "tar --format=gnu -Scf - .", without: CAPABILITY },
  { name: "GNU tar, pax, pigz-like gzip", command: `tar --format=posix ${XATTRS} -cf - . | gzip -1` },
  { name: "GNU tar, pax, zstd", command: `tar --format=posix ${XATTRS} -cf - . | zstd -q -T2` },
  {
    name: "GNU tar, pax, zstd in many frames",
    command: `tar --format=posix ${XATTRS} -cf - . | split -b 300K --filter='zstd -q' -`,
  },
  {
    name: "GNU tar, pax, gzip in many members",
    command: `tar --format=posix ${XATTRS} -cf - . | split -b 100K --filter='gzip' -`,
  },
  { name: "bsdtar, pax", command: "bsdtar --format=pax --xattrs --no-fflags --no-acls -cf - ." },
  { name: "python, pax", command: python("w|", "PAX_FORMAT"), without: CAPABILITY },
  { name: "python, GNU, gzip", command: python("w|gz", "GNU_FORMAT"), without: CAPABILITY },
];

for (const { name, command, without } of WRITERS) {
  suite(`${name}: the same tree as was written`, async () => {
    const blob = Buffer.from(shell(tree, command), "latin1");
    const applied = await applyBytes(blob);
    const described = (root: string) => describeTree(root).map((line) => (without ? line.replace(without, "") : line));
    assert.equal(described(applied.path), described(tree));
  });
}

suite("a whole archive of GNU tar applies to what GNU tar extracts", async () => {
  const blob = Buffer.from(shell("/usr/share", "tar --format=gnu -cf - perl | gzip"), "latin1");
  const applied = await applyBytes(blob);
  const extracted = makeTempDir("gnu");
  shell(extracted, "tar --format=gnu -C /usr/share -cf - perl | tar -xpf -");
  assert.equal(describeTree(applied.path), describeTree(extracted));
});

interface Spelling {
  readonly name: string;
  readonly archive: Uint8Array;
  readonly expected: readonly string[];
}

const EMPTY_SHA = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const A_SHA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const f = `f 644 0:0 1000 f ${A_SHA}`;

const SPELLINGS: readonly Spelling[] = [
  { name: "no end blocks", archive: member({ name: "f", data: "a" }), expected: [f] },
  {
    name: "one end block",
    archive: Buffer.concat([member({ name: "f", data: "a" }), Buffer.alloc(512)]),
    expected: [f],
  },
  { name: "an empty stream", archive: Buffer.alloc(0), expected: [] },
  {
    name: "padding to 10 KiB",
    archive: Buffer.concat([tar({ name: "f", data: "a" }), Buffer.alloc(8192)]),
    expected: [f],
  },
  {
    name: "garbage behind the end",
    archive: Buffer.concat([tar({ name: "f", data: "a" }), Buffer.from("garbage")]),
    expected: [f],
  },
  { name: "type NUL", archive: tar({ name: "f", type: "\0", data: "a" }), expected: [f] },
  { name: "type 7", archive: tar({ name: "f", type: "7", data: "a" }), expected: [f] },
  { name: "v7 without magic", archive: tar({ name: "f", type: "\0", data: "a", magic: "" }), expected: [f] },
  {
    name: "a v7 directory",
    archive: tar({ name: "d/", type: "\0", mode: 0o700, magic: "" }),
    expected: ["d 700 0:0 1000 d"],
  },
  {
    name: "a directory without a slash",
    archive: tar({ name: "d", type: "5", mode: 0o700 }),
    expected: ["d 700 0:0 1000 d"],
  },
  {
    name: "a directory that claims a size",
    archive: tar({ name: "d", type: "5", mode: 0o700, size: 4096 }, { name: "f", data: "a" }),
    expected: ["d 700 0:0 1000 d", f],
  },
  {
    name: "a hard link that claims a size",
    archive: tar({ name: "f", data: "a" }, { name: "g", type: "1", link: "f", size: 1 }),
    expected: [f, `f 644 0:0 1000 g =f ${A_SHA}`],
  },
  {
    name: "a hard link with slashes in front",
    archive: tar({ name: "./f", data: "a" }, { name: "g", type: "1", link: "/./f" }),
    expected: [f, `f 644 0:0 1000 g =f ${A_SHA}`],
  },
  { name: "a signed checksum", archive: tar(signed()), expected: [`f 644 0:0 1000 \xe9 ${A_SHA}`] },
  {
    name: "the last of two entries",
    archive: tar({ name: "f", data: "old" }, { name: "f", data: "a" }),
    expected: [f],
  },
  {
    name: "a file over a directory",
    archive: tar({ name: "f/", type: "5" }, { name: "f/x" }, { name: "f", data: "a" }),
    expected: [f],
  },
  {
    name: "a directory over a file",
    archive: tar({ name: "d" }, { name: "d/", type: "5", mode: 0o700 }),
    expected: ["d 700 0:0 1000 d"],
  },
  {
    name: "a directory twice keeps what it holds",
    archive: tar({ name: "d/", type: "5" }, { name: "d/f", data: "a" }, { name: "d/", type: "5", mode: 0o700 }),
    expected: ["d 700 0:0 1000 d", `f 644 0:0 1000 d/f ${A_SHA}`],
  },
  {
    name: "a directory that forbids its own contents",
    archive: tar({ name: "d/", type: "5", mode: 0o555 }, { name: "d/f", data: "a" }),
    expected: ["d 555 0:0 1000 d", `f 644 0:0 1000 d/f ${A_SHA}`],
  },
  {
    name: "a file without its parents",
    archive: tar({ name: "d/e/f", data: "a" }),
    expected: ["d 755 0:0 0 d", "d 755 0:0 0 d/e", `f 644 0:0 1000 d/e/f ${A_SHA}`],
  },
  {
    name: "a file replaced by a link to another",
    archive: tar({ name: "f", data: "a" }, { name: "g", data: "b" }, { name: "g", type: "1", link: "f" }),
    expected: [f, `f 644 0:0 1000 g =f ${A_SHA}`],
  },
  {
    name: "GNU long names",
    archive: tar(gnuLong("L", `${"n".repeat(200)}`), gnuLong("K", "t".repeat(200)), {
      name: "x",
      type: "2",
      link: "y",
    }),
    expected: [`l 777 0:0 1000 ${"n".repeat(200)} ->${"t".repeat(200)}`],
  },
  {
    name: "base-256 owners",
    archive: tar({ name: "f", data: "a", uid: base256(3_000_000_000n, 8) }),
    expected: [`f 644 3000000000:0 1000 f ${A_SHA}`],
  },
  { name: "a base-256 size", archive: tar({ name: "f", data: "a", size: base256(1n, 12) }), expected: [f] },
  {
    name: "pax records for all that follow",
    archive: tar(pax({ uid: "7", mtime: "5.25" }, "g"), { name: "f", data: "a" }, pax({ uid: "8" }), {
      name: "g",
      data: "a",
    }),
    expected: [`f 644 7:0 5 f ${A_SHA}`, `f 644 8:0 5 g ${A_SHA}`],
  },
  {
    name: "the last of two pax records",
    archive: tar(member({ name: "p", type: "x", data: "10 path=a\n10 path=f\n" }), { name: "x", data: "a" }),
    expected: [f],
  },
  { name: "an empty pax record", archive: tar(pax({ path: "" }), { name: "f", data: "a" }), expected: [f] },
  {
    name: "the time of the root",
    archive: tar({ name: "./", type: "5", mode: 0o711 }, { name: "f", data: "a" }),
    expected: [f],
  },
  {
    name: "a whiteout after what it hides below",
    archive: tar({ name: "d/", type: "5", mode: 0o755 }, { name: ".wh.d" }),
    expected: ["d 755 0:0 1000 d trusted.overlay.opaque=0x79"],
  },
  {
    name: "a whiteout before its new directory",
    archive: tar({ name: ".wh.d" }, { name: "d/", type: "5", mode: 0o755 }),
    expected: ["d 755 0:0 1000 d trusted.overlay.opaque=0x79"],
  },
  {
    name: "a whiteout before a file in its new directory",
    archive: tar({ name: ".wh.d" }, { name: "d/f", data: "a" }),
    expected: ["d 755 0:0 0 d trusted.overlay.opaque=0x79", `f 644 0:0 1000 d/f ${A_SHA}`],
  },
  {
    name: "a whiteout and the file itself",
    archive: tar({ name: ".wh.f" }, { name: "f", data: "a" }, { name: ".wh.f" }),
    expected: [f],
  },
  {
    name: "an opaque mark before its directory",
    archive: tar({ name: "d/.wh..wh..opq" }, { name: "d/", type: "5", mode: 0o700 }),
    expected: ["d 700 0:0 1000 d trusted.overlay.opaque=0x79"],
  },
  { name: "a whiteout alone", archive: tar({ name: "d/.wh.f" }), expected: ["d 755 0:0 0 d", "whiteout d/f"] },
  {
    name: "a whiteout as overlayfs writes it",
    archive: tar({ name: "f", type: "3", device: [0, 0] }),
    expected: ["whiteout f"],
  },
  {
    name: "an empty file in ustar's prefix",
    archive: tar({ name: "g", prefix: "d/e" }),
    expected: ["d 755 0:0 0 d", "d 755 0:0 0 d/e", `f 644 0:0 1000 d/e/g ${EMPTY_SHA}`],
  },
];

for (const { name, archive, expected } of SPELLINGS) {
  suite(`${name} is understood`, async () => {
    const applied = await applyBytes(archive);
    assert.equal(describeTree(applied.path), expected);
    assert.is(applied.tarSizeBytes, archive.length);
  });
}

suite("a pax owner, size and time count before the header's", async () => {
  const header = member({ name: "f", size: 0 });
  const data = Buffer.alloc(512);
  data.write("a");
  const applied = await applyBytes(tar(pax({ uid: "4000000000", gid: "5", mtime: "-1.5", size: "1" }), header, data));
  assert.equal(describeTree(applied.path), [`f 644 4000000000:5 -2 f ${A_SHA}`]);
});

suite("what the layer only mentions is as the lower has it", async () => {
  const lower = makeTree("mkdir -p a/b; chmod 2750 a; chown 1:2 a; touch -d @77 a; chmod 700 a/b; chown 3:4 a/b");
  const hidden = makeTree("mkdir a; chmod 711 a; chown 9:9 a; mknod a/b c 0 0; touch -d @88 a");
  const archive = tar({ name: "a/b/f", data: "a" });
  const applied = await applyBytes(archive, { lowers: [lower] });
  assert.equal(
    describeTree(applied.path)
      .slice(0, 2)
      .map((line) => line.replace(/ \d+ (\S+)$/, " $1")),
    ["d 2750 1:2 a", "d 700 3:4 a/b"],
  );
  const over = await applyBytes(archive, { lowers: [lower, hidden] });
  assert.equal(describeTree(over.path).slice(0, 2), ["d 711 9:9 88 a", "d 755 0:0 0 a/b"]);
});

suite("a directory that the layer mentions first and describes later is not implied", async () => {
  const applied = await applyBytes(tar({ name: "a/b/f" }, { name: "a/", type: "5" }, { name: "./", type: "5" }));
  assert.is(applied.impliedDirectories, 1);
  assert.is(applied.hasRoot, true);
});

suite("holes stay holes", async () => {
  const blob = Buffer.from(shell(tree, "tar --format=posix -Scf - holes"), "latin1");
  const applied = await applyBytes(gzipSync(blob));
  const { size, blocks } = lstatSync(join(applied.path, "holes"));
  assert.is(size, 5 << 20);
  assert.ok(blocks * 512 < 1 << 20);
  assert.ok(readFileSync(join(applied.path, "holes")).equals(readFileSync(join(tree, "holes"))));
});

/** A header whose checksum adds signed bytes, as some old writers did. */
function signed(): Buffer {
  const block = member({ name: Buffer.of(0xe9), data: "a" });
  const header = block.subarray(0, 512);
  header.fill(" ", 148, 156);
  const sum = new Int8Array(header).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

suite.run();
