import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  copyGraph,
  digestBytes,
  fromBytes,
  MediaType,
  OciLayout,
  parsePlatform,
  RegistryError,
} from "../../registry-client/index.ts";
import { runCommand } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushBytes, pushIndex, pushJson, pushRandomImage } from "./images.ts";

const layouts = suite("layout");

const newLayout = (root = makeTempDir("layout")) => OciLayout.open(root, { create: true, durability: "none" });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error) => (error instanceof RegistryError ? error.code : String(error)),
  );

layouts("a new layout is one by the letter of the specification", async () => {
  const { root } = await newLayout();
  assert.equal(readdirSync(root).sort(), ["blobs", "index.json", "ingest", "oci-layout"]);
  assert.equal(JSON.parse(readFileSync(join(root, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" });
  const index = JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
  assert.equal(index, { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] });
  assert.equal(readdirSync(join(root, "ingest")), []);
});

layouts("opening without create touches nothing", async () => {
  const empty = makeTempDir("empty");
  assert.is(await codeOf(OciLayout.open(empty)), "NOT_FOUND");
  assert.equal(readdirSync(empty), []);
  writeFileSync(join(empty, "oci-layout"), '{"imageLayoutVersion": "2.0.0"}');
  assert.is(await codeOf(OciLayout.open(empty)), "INVALID_LAYOUT");
});

layouts("a name moves from image to image, and several may name one", async () => {
  const layout = await newLayout();
  const [first, second] = [await pushRandomImage(layout), await pushRandomImage(layout)];
  await layout.tag(first, "v1");
  await layout.tag(first, "latest");
  await layout.tag(second, "latest");
  const names = (await layout.list()).map(({ reference, descriptor }) => [reference, descriptor.digest]);
  assert.equal(names, [
    ["v1", first.digest],
    ["latest", second.digest],
  ]);
  await layout.untag("v1");
  await layout.untag("v1");
  assert.is(await codeOf(layout.resolve("v1")), "NOT_FOUND");
  assert.is((await layout.resolve(first.digest)).digest, first.digest);
});

const names: readonly (readonly [string, string, boolean])[] = [
  ["app:v1", "app:v1", true],
  ["app:v1", "docker.io/library/app:v1", true],
  ["docker.io/library/app:v1", "app:v1", true],
  ["docker.io/library/app:latest", "docker.io/library/app", true],
  ["127.0.0.1:5000/app:v1", "127.0.0.1:5000/app:v1", true],
  ["v1", "v1", true],
  ["v1", "docker.io/library/v1:latest", false],
  ["app:v1", "app:v2", false],
];

for (const [tagged, asked, isFound] of names) {
  layouts(`${asked} ${isFound ? "finds" : "does not find"} what is named ${tagged}`, async () => {
    const layout = await newLayout();
    await layout.tag(await pushRandomImage(layout), tagged);
    assert.is(await codeOf(layout.resolve(asked)), isFound ? "none" : "NOT_FOUND");
  });
}

layouts("the empty name means the only image, and none of two", async () => {
  const layout = await newLayout();
  const image = await pushRandomImage(layout);
  await layout.tag(image, "a");
  await layout.tag(image, "b");
  assert.is((await layout.resolve("")).digest, image.digest);
  await layout.tag(await pushRandomImage(layout), "c");
  const error = await layout.resolve("").catch((reason: RegistryError) => reason);
  assert.is(error instanceof RegistryError && error.hint, "it has a, b, c");
});

layouts("a manifest that only a nested index lists is found by its digest, with its media type", async () => {
  const layout = await newLayout();
  const index = await pushIndex(layout, [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")]);
  await layout.tag(index, "multi");
  const nested = JSON.parse(readFileSync(layout.blobPath(index.digest), "utf8")).manifests[1];
  const found = await layout.resolve(nested.digest);
  assert.equal([found.mediaType, found.size], [MediaType.ociManifest, nested.size]);
});

layouts("content that is not what was promised leaves nothing behind", async () => {
  const layout = await newLayout();
  const blob = { mediaType: "x/y", digest: digestBytes(Buffer.from("abc")), size: 3 };
  assert.is(await codeOf(layout.push(blob, fromBytes(Buffer.from("abd")))), "DIGEST_MISMATCH");
  assert.is(await codeOf(layout.push(blob, fromBytes(Buffer.from("abcd")))), "SIZE_MISMATCH");
  assert.equal([readdirSync(join(layout.root, "blobs/sha256")), readdirSync(join(layout.root, "ingest"))], [[], []]);
});

layouts("a digest that is a path never leaves the layout", async () => {
  const layout = await newLayout();
  for (const digest of ["sha256:../../../etc/passwd", "sha256:", "md5:x", `sha256:${"../".repeat(21)}x`]) {
    assert.throws(() => layout.blobPath(digest as "sha256:x"), /invalid digest/);
  }
});

layouts("a blob that was spoiled on disk is not handed out, and is mended by a push", async () => {
  const layout = await newLayout();
  const blob = await pushBytes(layout, "x/y", Buffer.from("abc"));
  writeFileSync(layout.blobPath(blob.digest), "abX");
  const read = async () => {
    for await (const _chunk of await layout.fetch(blob));
  };
  assert.is(await codeOf(read()), "DIGEST_MISMATCH");
  writeFileSync(layout.blobPath(blob.digest), "ab");
  assert.not(await layout.exists(blob));
  await pushBytes(layout, "x/y", Buffer.from("abc"));
  await read();
});

layouts("a file that was written elsewhere is adopted, once and again", async () => {
  const layout = await newLayout();
  const bytes = Buffer.from("written natively");
  const blob = { mediaType: "x/y", digest: digestBytes(bytes), size: bytes.length };
  for (let round = 0; round < 2; round++) {
    const path = layout.ingestPath();
    writeFileSync(path, bytes);
    await layout.adopt(blob, path);
    assert.not(existsSync(path));
  }
  assert.is(readFileSync(layout.blobPath(blob.digest), "utf8"), "written natively");
  const short = layout.ingestPath();
  writeFileSync(short, "short");
  assert.is(await codeOf(layout.adopt({ ...blob, digest: digestBytes(Buffer.from("y")) }, short)), "SIZE_MISMATCH");
});

layouts("skopeo reads our layout, and we read skopeo's", async () => {
  const layout = await newLayout();
  const image = await pushRandomImage(layout);
  await layout.tag(image, "app:v1");
  const inspected = await runCommand(["skopeo", "inspect", "--format", "{{.Digest}}", `oci:${layout.root}:app:v1`]);
  assert.is(inspected.stdout.trim(), image.digest, inspected.stderr);
  const theirs = makeTempDir("theirs");
  const copied = await runCommand([
    "skopeo",
    "--insecure-policy",
    "copy",
    `oci:${layout.root}:app:v1`,
    `oci:${theirs}:b:v2`,
  ]);
  assert.is(copied.code, 0, copied.stderr);
  const before = readdirSync(theirs);
  const foreign = await OciLayout.open(theirs);
  const found = await foreign.resolve("docker.io/library/b:v2");
  await copyGraph(foreign, await newLayout(), found);
  assert.equal([found.digest, readdirSync(theirs)], [image.digest, before]);
});

layouts("a layout as docker save writes it is read by full name", async () => {
  const layout = await newLayout();
  const image = await pushRandomImage(layout);
  const annotations = {
    "io.containerd.image.name": "docker.io/library/app:v1",
    "org.opencontainers.image.ref.name": "v1",
  };
  const index = { schemaVersion: 2, manifests: [{ ...image, annotations }] };
  writeFileSync(join(layout.root, "index.json"), JSON.stringify(index));
  assert.is((await layout.resolve("app:v1")).digest, image.digest);
});

layouts("an index.json that is no JSON is said so", async () => {
  const layout = await newLayout();
  writeFileSync(join(layout.root, "index.json"), "{");
  assert.is(await codeOf(layout.resolve("x")), "INVALID_CONTENT");
});

/** A process of its own that runs `body` with `layout` open. */
function startWriter(root: string, body: string): ChildProcess {
  const module = new URL("../../registry-client/index.ts", import.meta.url).href;
  const script = `
    import { OciLayout, digestBytes, fromBytes } from ${JSON.stringify(module)};
    const layout = await OciLayout.open(${JSON.stringify(root)}, { create: true, durability: "none" });
    const push = async (text) => {
      const bytes = Buffer.from(text);
      const blob = { mediaType: "x/y", digest: digestBytes(bytes), size: bytes.length };
      await layout.push(blob, fromBytes(bytes));
      return blob;
    };
    ${body}`;
  return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once("close", resolve));

layouts("four processes that name and push at once lose nothing", async () => {
  const { root } = await newLayout();
  const writers = ["a", "b", "c", "d"].map((name) =>
    startWriter(root, `for (let i = 0; i < 25; i++) await layout.tag(await push("shared" + i), "${name}" + i);`),
  );
  assert.equal(await Promise.all(writers.map(ended)), [0, 0, 0, 0]);
  assert.is((await (await OciLayout.open(root)).list()).length, 100);
  assert.equal(readdirSync(join(root, "ingest")), []);
});

layouts("a process killed in mid-write leaves nothing under a final name, and the next one sweeps", async () => {
  const { root } = await newLayout();
  const writer = startWriter(
    root,
    `const size = 1 << 20;
     async function* endless() { for (;;) { yield Buffer.alloc(size); console.log("wrote"); await new Promise((r) => setTimeout(r, 5)); } }
     await layout.push({ mediaType: "x/y", digest: "sha256:" + "a".repeat(64), size: 1e12 }, { open: endless });`,
  );
  await new Promise((resolve) => writer.stdout?.once("data", resolve));
  const live = await newLayout(root);
  assert.is(readdirSync(join(root, "ingest")).length, 1, "the file of a process that lives is kept");
  const done = ended(writer);
  writer.kill("SIGKILL");
  await done;
  assert.equal(readdirSync(join(root, "blobs/sha256")), []);
  await newLayout(live.root);
  assert.equal(readdirSync(join(root, "ingest")), []);
});

layouts("processes killed while they hold the lock block nobody, and index.json is always whole", async () => {
  const layout = await newLayout();
  const image = await pushRandomImage(layout);
  for (let round = 0; round < 4; round++) {
    const writer = startWriter(
      layout.root,
      `for (let i = 0; ; i++) { await layout.tag(await push("x"), "t" + (i % 50)); console.log("tagged"); }`,
    );
    await new Promise((resolve) => writer.stdout?.once("data", resolve));
    await sleep(Math.random() * 30);
    const done = ended(writer);
    writer.kill("SIGKILL");
    await done;
    await layout.tag(image, `round${round}`);
    assert.is((await layout.resolve(`round${round}`)).digest, image.digest);
  }
});

layouts("a lock left by a dead process is cleared, one of a living process is not", async () => {
  const layout = await newLayout();
  const image = await pushRandomImage(layout);
  const lock = join(layout.root, "ingest/index.lock");
  const [own] = [layout.ingestPath().split("/").at(-1) ?? ""];
  const dead = own.replace(/-\d+-\d+-/, "-4194305-1-");
  mkdirSync(lock);
  writeFileSync(join(lock, dead), "");
  await layout.tag(image, "x");
  mkdirSync(lock);
  writeFileSync(join(lock, own), "");
  const waiting = layout.tag(image, "y", { signal: AbortSignal.timeout(300) });
  assert.match(await codeOf(waiting), /TimeoutError|AbortError/);
  assert.ok(statSync(join(lock, own)).isFile());
});

layouts("an artifact of any media type is kept", async () => {
  const layout = await newLayout();
  const config = await pushJson(layout, MediaType.empty, {});
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: "text/x",
    config,
    layers: [config],
  };
  await layout.tag(await pushJson(layout, MediaType.ociManifest, manifest), "artifact");
  await copyGraph(layout, await newLayout(), await layout.resolve("artifact"));
});

layouts.run();
