import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { type ApplyRequest, applyLayer, digestFile, RuntimeError } from "../../runtime-core/index.ts";
import { failureOf } from "../helpers/failure.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { apply, applyBytes, describeTree, makeTree, pack, shell } from "./archive-fixture.ts";
import { ODD_TREE } from "./archive-odd-tree.ts";
import { tar } from "./archive-tar.ts";

const suite = createSuite("layers: what is verified while a layer is applied");
const sha = (algorithm: string, bytes: Uint8Array) =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;

const archive = tar({ name: "f", data: "hello" }, { name: "noise", data: randomBytes(300_000) });
const gzip = gzipSync(archive);
const zstd = execFileSync("zstd", ["-q"], { input: archive });
const other = `sha256:${"0".repeat(64)}`;

interface Case {
  readonly name: string;
  readonly blob: Uint8Array;
  readonly request?: Partial<ApplyRequest>;
  readonly code: string;
}

const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 0x55 : byte));

const CASES: readonly Case[] = [
  { name: "another blob digest", blob: gzip, request: { digest: other }, code: "DIGEST_MISMATCH" },
  { name: "another diffId", blob: gzip, request: { diffId: other }, code: "DIGEST_MISMATCH" },
  {
    name: "a shorter blob than described",
    blob: gzip.subarray(0, -1),
    request: { sizeBytes: gzip.length },
    code: "SIZE_MISMATCH",
  },
  { name: "a longer blob than described", blob: gzip, request: { sizeBytes: 5 }, code: "SIZE_MISMATCH" },
  { name: "a digest that is none", blob: gzip, request: { digest: "sha256:xyz" }, code: "DIGEST_INVALID" },
  {
    name: "a digest of an unknown algorithm",
    blob: gzip,
    request: { digest: `md5:${"0".repeat(32)}` },
    code: "DIGEST_INVALID",
  },
  { name: "a gzip stream cut off", blob: gzip.subarray(0, -9), code: "LAYER_CORRUPT" },
  { name: "a gzip stream without its checksum", blob: gzip.subarray(0, -8), code: "LAYER_CORRUPT" },
  { name: "a gzip stream with a wrong checksum", blob: flipped(gzip, gzip.length - 6), code: "LAYER_CORRUPT" },
  { name: "garbage behind a gzip stream", blob: Buffer.concat([gzip, Buffer.from("garbage")]), code: "LAYER_CORRUPT" },
  { name: "a zstd stream cut off", blob: zstd.subarray(0, -9), code: "LAYER_CORRUPT" },
  { name: "a zstd stream with a flipped bit", blob: flipped(zstd, zstd.length >> 1), code: "LAYER_CORRUPT" },
  { name: "garbage behind a zstd stream", blob: Buffer.concat([zstd, Buffer.from("garbage")]), code: "LAYER_CORRUPT" },
  { name: "a tar cut off in a file", blob: archive.subarray(0, 100_000), code: "LAYER_CORRUPT" },
  { name: "a tar cut off in a header", blob: archive.subarray(0, 700 + 512), code: "LAYER_CORRUPT" },
  { name: "no tar at all", blob: Buffer.from("<html>not found</html>".padEnd(1024)), code: "LAYER_CORRUPT" },
  {
    name: "a corrupt blob that is not the one asked for",
    blob: flipped(gzip, 5000),
    request: { digest: sha("sha256", gzip) },
    code: "DIGEST_MISMATCH",
  },
  {
    name: "garbage behind the end that the diffId does not know",
    blob: Buffer.concat([archive, Buffer.from("x")]),
    request: { diffId: sha("sha256", archive) },
    code: "DIGEST_MISMATCH",
  },
  { name: "a tar beyond the caller's limit", blob: archive, request: { maxTarBytes: 10_000 }, code: "LAYER_TOO_LARGE" },
];

for (const { name, blob, request = {}, code } of CASES) {
  suite(`${name} is ${code}`, async () => {
    const error = await failure(applyBytes(blob, request));
    assert.is(error.code, code, error.message);
  });
}

suite("sha512 digests are verified, too", async () => {
  const request = { digest: sha("sha512", gzip), diffId: sha("sha512", archive) };
  assert.is((await applyBytes(gzip, request)).diffId, request.diffId);
  assert.is((await failure(applyBytes(zstd, request))).code, "DIGEST_MISMATCH");
});

suite("garbage behind the end is part of the diffId", async () => {
  const bytes = Buffer.concat([archive, Buffer.from("garbage")]);
  assert.is((await applyBytes(gzipSync(bytes))).diffId, sha("sha256", bytes));
});

suite("skippable frames of zstd are skipped", async () => {
  const frame = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  assert.is((await applyBytes(Buffer.concat([frame, zstd, frame]))).diffId, sha("sha256", archive));
});

suite("a missing blob or target is NOT_FOUND", async () => {
  const layer = await pack(makeTree("touch f"));
  assert.is((await failure(apply({ ...layer, path: "/nonexistent" }))).code, "NOT_FOUND");
  assert.is((await failure(apply(layer, { target: "/nonexistent/target" }))).code, "NOT_FOUND");
  assert.is((await failure(digestFile("/nonexistent"))).code, "NOT_FOUND");
});

suite("a full disk is NO_SPACE", async () => {
  const layer = await pack(makeTree("head -c 6000000 /dev/urandom >noise"));
  const small = makeTempDir("small");
  shell("/", `mount -t tmpfs -o size=2m tmpfs '${small}'`);
  try {
    assert.is((await failure(apply(layer, { target: small }))).code, "NO_SPACE");
  } finally {
    shell("/", `umount '${small}'`);
  }
});

suite("an abort ends the applying", async () => {
  const layer = await pack(makeTree("head -c 300000000 /dev/zero >zeros"), { compression: { type: "gzip" } });
  const { path: blob, digest, sizeBytes } = layer;
  const request = { blob, target: makeTempDir("layer"), digest, sizeBytes };
  const error = await applyLayer(request, { signal: AbortSignal.timeout(20) }).then(
    () => undefined,
    (caught: Error) => caught,
  );
  assert.is(error?.name, "TimeoutError");
});

suite("the umask of the process changes nothing", async () => {
  const layer = await pack(makeTree("umask 0; mkdir d; touch f; mkfifo p; chmod 4777 f; touch -d @9 d f p"));
  const applied = describeTree((await apply(layer)).path);
  const before = process.umask(0o077);
  try {
    assert.equal(describeTree((await apply(layer)).path), applied);
  } finally {
    process.umask(before);
  }
  assert.match(applied.join("\n"), /^d 777 .*\nf 4777 .*\np 666 /);
});

suite("inside a user namespace devices are left out and counted, and overlay marks are spelled user.overlay", async () => {
  const layer = await pack(makeTree(`${ODD_TREE} chown 0:0 dir/secret dir/owner; chown -h 0:0 dir/symlink`));
  const target = makeTempDir("layer");
  const request = { blob: layer.path, target, digest: layer.digest, sizeBytes: layer.sizeBytes, diffId: layer.diffId };
  const url = new URL("../../runtime-core/index.ts", import.meta.url).href;
  const script = `const { applyLayer } = await import(${JSON.stringify(url)});
    console.log(JSON.stringify(await applyLayer(${JSON.stringify(request)})));`;
  const command = `unshare --user --map-root-user '${process.execPath}' --import tsx --input-type=module -e '${script}'`;
  const result = JSON.parse(shell(process.cwd(), command)) as { skippedDevices: number };
  assert.is(result.skippedDevices, 2);
  assert.not.ok(existsSync(join(target, "dev/null")));
  assert.match(shell(target, "getfattr -d -m - opaque"), /^user\.overlay\.opaque="y"$/m);
  assert.is(shell(target, "stat -c '%F %t:%T' dir/removed"), "character special file 0:0\n");
  assert.is(readFileSync(join(target, "dir/file"), "utf8"), "hello");
  assert.match(shell(target, "getcap bin/capable"), /cap_net_raw/);
});

function failure(work: Promise<unknown>): Promise<RuntimeError> {
  return failureOf(RuntimeError, work);
}

suite.run();
