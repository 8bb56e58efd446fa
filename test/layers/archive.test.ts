import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readLayoutArchive, writeLayoutArchive } from "../../layers/index.ts";
import { type Descriptor, digestBytes, fromBytes, MediaType, OciLayout } from "../../registry-client/index.ts";
import { withDirectory } from "./helpers.ts";

const run = promisify(execFile);
const test = suite("layout archives");

async function push(layout: OciLayout, mediaType: string, content: string): Promise<Descriptor> {
  const bytes = Buffer.from(content);
  const descriptor = { mediaType, digest: digestBytes(bytes), size: bytes.byteLength };
  await layout.push(descriptor, fromBytes(bytes));
  return descriptor;
}

/** A layout with one image of two layers, and a blob that nothing needs. */
async function writeImageLayout(
  path: string,
): Promise<{ readonly layout: OciLayout; readonly names: readonly string[] }> {
  const layout = await OciLayout.open(path, { create: true });
  await push(layout, MediaType.ociLayer, "nothing needs it");
  const config = await push(layout, MediaType.ociConfig, "{}");
  const layers = [await push(layout, MediaType.ociLayer, "one"), await push(layout, MediaType.ociLayer, "")];
  const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers };
  const image = await push(layout, MediaType.ociManifest, JSON.stringify(manifest));
  await layout.tag(image, "latest");
  const blobs = [config, ...layers, image].map(({ digest }) => `blobs/${digest.replace(":", "/")}`);
  return { layout, names: ["oci-layout", "index.json", ...blobs] };
}

test("an archive holds the layout, its index, then config, layers and manifest, of nobody and of 1970", async () => {
  await withDirectory(async (directory) => {
    const { names } = await writeImageLayout(join(directory, "layout"));
    const archive = join(directory, "image.tar");
    await writeLayoutArchive(join(directory, "layout"), archive);
    const { stdout } = await run("tar", ["-tvf", archive, "--full-time", "--utc", "--numeric-owner"]);
    const lines = stdout.trim().split("\n");
    assert.equal(
      lines.map((line) => line.split(" ").at(-1)),
      names,
    );
    for (const line of lines) assert.match(line, /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00:00 /);
  });
});

test("equal layouts give equal archives, and another tool reads them", async () => {
  await withDirectory(async (directory) => {
    const archives: Buffer[] = [];
    for (const name of ["first", "second"]) {
      await writeImageLayout(join(directory, name));
      await writeLayoutArchive(join(directory, name), join(directory, `${name}.tar`));
      archives.push(await readFile(join(directory, `${name}.tar`)));
    }
    assert.ok(archives[0]?.equals(archives[1] as Buffer));
    const { stdout } = await run("skopeo", ["inspect", "--raw", `oci-archive:${join(directory, "first.tar")}:latest`]);
    assert.is(JSON.parse(stdout).layers.length, 2);
  });
});

test("a layout with a missing blob gives no archive", async () => {
  await withDirectory(async (directory) => {
    const { layout } = await writeImageLayout(join(directory, "layout"));
    const lost = await push(
      layout,
      MediaType.ociManifest,
      JSON.stringify({ schemaVersion: 2, layers: [], config: await ghost() }),
    );
    await layout.tag(lost, "lost");
    const archive = join(directory, "image.tar");
    await writeLayoutArchive(join(directory, "layout"), archive).then(assert.unreachable as () => void, (error) => {
      assert.is(error.code, "NOT_FOUND");
    });
    assert.equal(await readdir(directory), ["layout"]);
  });
});

test("an archive is never written over a file", async () => {
  await withDirectory(async (directory) => {
    await writeImageLayout(join(directory, "layout"));
    const archive = join(directory, "image.tar");
    await writeFile(archive, "mine");
    await writeLayoutArchive(join(directory, "layout"), archive).then(assert.unreachable as () => void, () => {});
    assert.is(await readFile(archive, "utf8"), "mine");
  });
});

test("an archive by another tool is read back as the layout it was", async () => {
  await withDirectory(async (directory) => {
    const { layout, names } = await writeImageLayout(join(directory, "layout"));
    const archive = join(directory, "image.tar");
    await run("tar", ["-cf", archive, "-C", join(directory, "layout"), "."]);
    await readLayoutArchive(archive, join(directory, "read"));
    const read = await OciLayout.open(join(directory, "read"));
    assert.equal(await read.resolve("latest"), await layout.resolve("latest"));
    for (const name of names) {
      assert.equal(await readFile(join(directory, "read", name)), await readFile(join(directory, "layout", name)));
    }
  });
});

test("nothing but a layout's own files is taken from an archive", async () => {
  await withDirectory(async (directory) => {
    const evil = join(directory, "evil");
    await mkdir(join(evil, "blobs/sha256"), { recursive: true });
    await symlink("/etc/passwd", join(evil, "oci-layout"));
    await symlink("..", join(evil, "blobs/sha512"));
    for (const name of ["blobs/sha256/short", "run.sh", `blobs/sha256/${"a".repeat(64)}`])
      await writeFile(join(evil, name), "x");
    const archive = join(directory, "evil.tar");
    await run("tar", ["-cPf", archive, "-C", evil, ".", "--transform", "s,run.sh,../../escaped,"]);
    await readLayoutArchive(archive, join(directory, "deep/read"));
    assert.equal((await readdir(join(directory, "deep"), { recursive: true })).sort(), [
      "read",
      "read/blobs",
      "read/blobs/sha256",
      `read/blobs/sha256/${"a".repeat(64)}`,
    ]);
    assert.equal((await readdir(directory)).sort(), ["deep", "evil", "evil.tar"]);
  });
});

for (const [title, content] of [
  ["text", "FROM busybox\n".repeat(100)],
  ["a cut off archive", undefined],
] as const) {
  test(`${title} is INVALID_ARCHIVE`, async () => {
    await withDirectory(async (directory) => {
      await writeImageLayout(join(directory, "layout"));
      const archive = join(directory, "image.tar");
      await writeLayoutArchive(join(directory, "layout"), archive);
      await writeFile(archive, content ?? (await readFile(archive)).subarray(0, 700));
      await readLayoutArchive(archive, join(directory, "read")).then(assert.unreachable as () => void, (error) => {
        assert.is(error.code, "INVALID_ARCHIVE");
      });
    });
  });
}

async function ghost(): Promise<Descriptor> {
  return { mediaType: MediaType.ociConfig, digest: digestBytes(Buffer.from("gone")), size: 4 };
}

test.run();
