import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { digestFile, packLayer, RuntimeError } from "../../runtime-core/index.ts";
import { failureOf } from "../helpers/failure.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { makeTree, pack, shell } from "./archive-fixture.ts";
import { ODD_TREE } from "./archive-odd-tree.ts";

const suite = createSuite("layers: the bytes that are packed");
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

suite("an empty upper is the empty tar that everyone knows", async () => {
  const layer = await pack(makeTree(""));
  assert.is(layer.entries, 0);
  assert.ok(readFileSync(layer.path).equals(Buffer.alloc(1024)));
  assert.is(layer.diffId, "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
});

suite("the digests and sizes are those of the tar and of the blob", async () => {
  const tree = makeTree(ODD_TREE);
  const plain = await pack(tree);
  const gzip = await pack(tree, { compression: { type: "gzip" } });
  const zstd = await pack(tree, { compression: { type: "zstd" } });
  const tar = readFileSync(plain.path);
  for (const layer of [plain, gzip, zstd]) {
    const blob = readFileSync(layer.path);
    assert.is(layer.diffId, sha256(tar));
    assert.is(layer.digest, sha256(blob));
    assert.is(layer.sizeBytes, blob.length);
    assert.is(layer.tarSizeBytes, tar.length);
    assert.equal(await digestFile(layer.path), { digest: layer.digest, sizeBytes: blob.length });
  }
  assert.is(sha256(unpacked("gzip -dc", gzip.path)), plain.diffId);
  assert.is(sha256(unpacked("zstd -dc", zstd.path)), plain.diffId);
});

suite("the archive of known files is this one, byte for byte, for ever", async () => {
  const tree = makeTree(`
    mkdir -p etc/ünï; printf 'hello\\n' >etc/motd; ln etc/motd etc/same; ln -s motd etc/link; mknod etc/gone c 0 0
    chown 3000000:7 etc/motd; chmod 4755 etc/motd; find . -mindepth 1 -exec touch -h -d @1700000000 {} +`);
  const layer = await pack(tree, { sourceDateEpoch: 1_600_000_000 });
  assert.is(layer.diffId, "sha256:685d28ec282594f3babaeebed83cc8f054d5b5ad508ad9edab259386b2c5dd5a");
  const gzip = await pack(tree, { sourceDateEpoch: 1_600_000_000, compression: { type: "gzip" } });
  assert.is(gzip.digest, "sha256:c2ea6c1d196eca8d6757d56a82038c34b47644840f5c3f06e3a5bbceca1b1af9");
  const zstd = await pack(tree, { sourceDateEpoch: 1_600_000_000, compression: { type: "zstd" } });
  assert.is(zstd.digest, "sha256:83fa66faf4f1026d54e9a73ace1e1657cfb362f5f9295165ff7fba02a331dd67");
});

suite("names are sorted as bytes, a directory before what it holds", async () => {
  const tree = makeTree("mkdir -p a b/c; touch a/z a.txt a-b b/c/1 b/B B 'é' z; mknod b/d c 0 0");
  const listed = ["B", "a/", "a/z", "a-b", "a.txt", "b/", "b/.wh.d", "b/B", "b/c/", "b/c/1", "z", "é"];
  assert.equal(tarNames((await pack(tree)).path), listed);
});

suite("GNU tar sees what was packed, with its attributes", async () => {
  const tree = makeTree(ODD_TREE);
  const layer = await pack(tree);
  const out = makeTempDir("gnu");
  shell(out, `tar -xpf '${layer.path}' --numeric-owner --xattrs --xattrs-include='*'`);
  // What GNU tar does not know are whiteouts and the opaque mark.
  shell(out, "find . -name '.wh.*' -delete");
  shell(tree, 'find . -type c -exec sh -c \'[ $(stat -c %t:%T "$1") = 0:0 ] && rm "$1"\' - {} \\;; true');
  shell(
    tree,
    `find . -type d -exec touch -d @1500000000 {} +; cd '${out}'; find . -type d -exec touch -d @1500000000 {} +`,
  );
  const compared = "find . -mindepth 1 -printf '%y %m %U:%G %Ts %P %l\\n' | LC_ALL=C sort";
  assert.is(shell(out, compared), shell(tree, compared));
  assert.is(shell(out, "getcap bin/capable"), shell(tree, "getcap bin/capable"));
  const devices = "find . -type b,c -exec stat -c '%n %t:%T' {} + | LC_ALL=C sort";
  assert.is(shell(out, devices), shell(tree, devices));
  // Two special files are the same for diff if they were also made in the same second.
  const differences = `diff -r --no-dereference . '${tree}' 2>&1 | grep -Ev "is a (fifo|(block|character) special file)" || true`;
  assert.is(shell(out, differences), "");
  assert.is(shell(out, "stat -c %i dir/file").trim(), shell(out, "stat -c %i a-link-that-comes-first").trim());
});

suite("mtimes are clamped to the epoch and whiteouts have none", async () => {
  const tree = makeTree("echo new >new; echo old >old; touch -d @100.9 old; mknod gone c 0 0");
  const layer = await pack(tree, { sourceDateEpoch: 1000 });
  const times = shell("/", `TZ=UTC tar -tvf '${layer.path}' --full-time --numeric-owner`).split("\n").filter(Boolean);
  assert.equal(
    times.map((line) => line.split(/ +/).slice(3).join(" ")),
    ["1970-01-01 00:00:00 .wh.gone", "1970-01-01 00:16:40 new", "1970-01-01 00:01:40 old"],
  );
});

suite("a directory's opaque mark comes right after it", async () => {
  const tree = makeTree("mkdir d; touch d/a; mknod d/b c 0 0; setfattr -n trusted.overlay.opaque -v y d");
  assert.equal(tarNames((await pack(tree)).path), ["d/", "d/.wh..wh..opq", "d/.wh.b", "d/a"]);
});

suite("whiteouts and opaque directories in their other spellings", async () => {
  const tree = makeTree(`
    mkdir d u; touch d/gone d/kept; echo data >d/full; setfattr -n user.overlay.opaque -v y u
    setfattr -n trusted.overlay.opaque -v x d; for f in gone full; do setfattr -n trusted.overlay.whiteout -v y d/$f; done`);
  assert.equal(tarNames((await pack(tree)).path), ["d/", "d/.wh.gone", "d/full", "d/kept", "u/", "u/.wh..wh..opq"]);
});

suite("whiteouts that share one inode are no hard links", async () => {
  const tree = makeTree("mknod a c 0 0; ln a b; ln a c");
  assert.equal(tarNames((await pack(tree)).path), [".wh.a", ".wh.b", ".wh.c"]);
});

const REFUSED: readonly { name: string; script: string; code: string; subject: string }[] = [
  {
    name: "a name that would be read as a whiteout",
    script: "mkdir d; touch d/.wh.x",
    code: "LAYER_UNSUPPORTED",
    subject: "d/.wh.x",
  },
  {
    name: "a name that would be read as an opaque mark",
    script: "touch .wh..wh..opq",
    code: "LAYER_UNSUPPORTED",
    subject: ".wh..wh..opq",
  },
  {
    name: "a redirected directory",
    script: "mkdir d; setfattr -n trusted.overlay.redirect -v x d",
    code: "LAYER_UNSUPPORTED",
    subject: "d",
  },
  {
    name: "a file that is only metadata",
    script: "touch f; setfattr -n trusted.overlay.metacopy -v x f",
    code: "LAYER_UNSUPPORTED",
    subject: "f",
  },
];

for (const { name, script, code, subject } of REFUSED) {
  suite(`${name} is refused, and nothing is left behind`, async () => {
    const output = join(makeTempDir("blob"), "layer");
    const error = await failure(pack(makeTree(script), { output }));
    assert.is(error.code, code);
    assert.is(error.subject, subject);
    assert.not.ok(existsSync(output));
  });
}

const BAD_REQUESTS = [
  { name: "an upper that is not there", change: { upper: "/nonexistent/upper" }, code: "NOT_FOUND" },
  { name: "a lower that is not there", change: { lowers: ["/nonexistent/lower"] }, code: "NOT_FOUND" },
  {
    name: "a gzip level that there is none of",
    change: { compression: { type: "gzip", level: 13 } },
    code: "COMPRESSION_INVALID",
  },
  {
    name: "a compression that there is none of",
    change: { compression: { type: "brotli" as "gzip" } },
    code: "COMPRESSION_INVALID",
  },
] as const;

for (const { name, change, code } of BAD_REQUESTS) {
  suite(`${name} is ${code}`, async () => {
    const output = join(makeTempDir("blob"), "layer");
    const request = {
      upper: makeTree(""),
      lowers: [],
      output,
      compression: { type: "none" },
      sourceDateEpoch: 0,
    } as const;
    assert.is((await failure(packLayer({ ...request, ...change }))).code, code);
    assert.not.ok(existsSync(output));
  });
}

suite("an output that is there is never overwritten", async () => {
  const output = join(makeTree("echo precious >layer"), "layer");
  await failure(pack(makeTree("touch f"), { output }));
  assert.is(readFileSync(output, "utf8"), "precious\n");
});

suite("a full disk is NO_SPACE, and the partial blob is gone", async () => {
  const tree = makeTree("head -c 6000000 /dev/urandom >noise");
  const small = makeTempDir("small");
  shell("/", `mount -t tmpfs -o size=2m tmpfs '${small}'`);
  try {
    for (const type of ["gzip", "zstd", "none"] as const) {
      const error = await failure(pack(tree, { output: join(small, "layer"), compression: { type } }));
      assert.is(error.code, "NO_SPACE");
      assert.not.ok(existsSync(join(small, "layer")));
    }
  } finally {
    shell("/", `umount '${small}'`);
  }
});

suite("a file that changes while it is packed is an error, not a torn layer", async () => {
  const tree = makeTree("head -c 60000000 /dev/urandom >a; cp a b; cp a c; cp a d");
  const packing = failure(pack(tree, { compression: { type: "gzip", level: 9 }, threads: 2 }));
  await new Promise((resolve) => setTimeout(resolve, 60));
  shell(tree, "truncate -s 1000 d");
  assert.is((await packing).code, "LAYER_CHANGED");
});

suite("an abort ends the packing and removes the blob", async () => {
  const tree = makeTree("head -c 60000000 /dev/urandom >a; cp a b; cp a c");
  const output = join(makeTempDir("blob"), "layer");
  const request = {
    upper: tree,
    lowers: [],
    output,
    compression: { type: "zstd", level: 12 },
    sourceDateEpoch: 0,
  } as const;
  const packing = packLayer(request, { signal: AbortSignal.timeout(40) });
  const error = await packing.then(
    () => assert.unreachable(),
    (caught: Error) => caught,
  );
  assert.is((error as Error).name, "TimeoutError");
  assert.not.ok(existsSync(output));
});

function unpacked(command: string, path: string): Buffer {
  return Buffer.from(shell("/", `${command} <'${path}'`), "latin1");
}

function tarNames(path: string): string[] {
  return Buffer.from(shell("/", `tar --quoting-style=literal -tf '${path}'`), "latin1")
    .toString("utf8")
    .split("\n")
    .filter(Boolean);
}

function failure(work: Promise<unknown>): Promise<RuntimeError> {
  return failureOf(RuntimeError, work);
}

suite.run();
