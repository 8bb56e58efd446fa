import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  copy,
  copyGraph,
  fromBytes,
  MemoryTarget,
  OciLayout,
  parsePlatform,
  RegistryClient,
  RegistryError,
  type Target,
} from "../../registry-client/index.ts";
import { runCommand } from "../helpers/command.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushIndex, pushRandomImage } from "./images.ts";

interface Context {
  registry: TestRegistry;
  client: RegistryClient;
}

const copying = suite<Context>("copy");

copying.before(async (context) => {
  context.registry = await startRegistry();
  context.client = new RegistryClient({ env: { HOME: "/nonexistent" } });
});

copying.after(({ registry }) => registry.close());

const newLayout = () => OciLayout.open(makeTempDir("layout"), { create: true });

const targets: Readonly<Record<string, (context: Context, name: string) => Promise<Target>>> = {
  memory: async () => new MemoryTarget(),
  layout: newLayout,
  registry: async ({ client, registry }, name) => client.repository(`${registry.host}/${name}`),
};

for (const [from, openSource] of Object.entries(targets)) {
  for (const [to, openDestination] of Object.entries(targets)) {
    copying(`from ${from} to ${to}, an index arrives whole and under its name`, async (context) => {
      const source = await openSource(context, `${from}-${to}/source`);
      const destination = await openDestination(context, `${from}-${to}/destination`);
      const origin = new MemoryTarget();
      const root = await pushIndex(origin, [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")]);
      await origin.tag(root, "v1");
      await copy(origin, "v1", source, "v1");
      await copy(source, "v1", destination, "v2");
      const found = await destination.resolve("v2");
      assert.equal([found.digest, found.size, found.mediaType], [root.digest, root.size, root.mediaType]);
      await copyGraph(destination, new MemoryTarget(), found);
    });
  }
}

copying("one platform is copied alone", async () => {
  const source = new MemoryTarget();
  await source.tag(await pushIndex(source, [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")]), "v1");
  const states: string[] = [];
  const onProgress = ({ state }: { state: string }) => void (state === "done" && states.push(state));
  const platform = parsePlatform("linux/arm64");
  const root = await copy(source, "v1", new MemoryTarget(), "v1", { platform, onProgress });
  assert.equal(root.platform, platform);
  assert.is(states.length, 3);
});

copying(
  "an image of one layer is pushed with eight requests, and pushed again with two",
  async ({ client, registry }) => {
    const source = new MemoryTarget();
    await source.tag(await pushRandomImage(source), "v1");
    const count = () => registry.requests().filter((line) => line.includes("/v2/eight/")).length;
    await copy(source, "v1", client.repository(`${registry.host}/eight`), "v1");
    assert.is(count(), 8);
    await copy(source, "v1", client.repository(`${registry.host}/eight`), "v2");
    assert.is(count(), 10);
  },
);

copying("from repository to repository of one registry, blobs are mounted", async ({ client, registry }) => {
  const source = client.repository(`${registry.host}/mount/from`);
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory, { layerBytes: [100_000, 200_000] }), "v1");
  await copy(memory, "v1", source, "v1");
  const mounted: number[] = [];
  await copy(source, "v1", client.repository(`${registry.host}/mount/to`), "v1", {
    onProgress: ({ state, descriptor }) => void (state === "mounted" && mounted.push(descriptor.size)),
  });
  assert.is(mounted.length, 3);
  assert.not(registry.requests().some((line) => line.startsWith("PUT /v2/mount/to/blobs")));
});

copying(
  "a mount from a repository without the blob falls back to an upload in the session it opened",
  async ({ client, registry }) => {
    const memory = new MemoryTarget();
    await memory.tag(await pushRandomImage(memory), "v1");
    await copy(memory, "v1", client.repository(`${registry.host}/fallback`), "v1", { mountFrom: ["no/such"] });
    const posts = registry.requests().filter((line) => line.startsWith("POST /v2/fallback/"));
    assert.is(posts.length, 2);
  },
);

copying("a blob that several manifests and copies share is sent once", async ({ client, registry }) => {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory, { layerBytes: [3_000_000] }), "v1");
  const repository = client.repository(`${registry.host}/shared`);
  await Promise.all(Array.from({ length: 8 }, (_, index) => copy(memory, "v1", repository, `v${index}`)));
  const puts = registry.requests().filter((line) => line.startsWith("PUT /v2/shared/blobs/"));
  assert.is(puts.length, 2);
  assert.is((await repository.resolve("v7")).digest, (await memory.resolve("v1")).digest);
});

copying("what skopeo reads of a pushed image is what was pushed", async ({ client, registry }) => {
  const layout = await newLayout();
  const root = await pushRandomImage(layout, { layerBytes: [1000, 2000] });
  await layout.tag(root, "app:v1");
  await copy(layout, "app:v1", client.repository(`${registry.host}/skopeo`), "v1");
  const image = `docker://${registry.host}/skopeo:v1`;
  const inspected = await runCommand(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", image]);
  assert.is(inspected.stdout.trim(), root.digest);
  const copied = makeTempDir("skopeo");
  const result = await runCommand([
    "skopeo",
    "--insecure-policy",
    "copy",
    "--src-tls-verify=false",
    image,
    `oci:${copied}:x`,
  ]);
  assert.is(result.code, 0, result.stderr);
  assert.is((await (await OciLayout.open(copied)).resolve("x")).digest, root.digest);
});

copying("what skopeo pushed is pulled", async ({ client, registry }) => {
  const layout = await newLayout();
  await layout.tag(await pushRandomImage(layout), "x");
  const image = `docker://${registry.host}/by-skopeo:v1`;
  const push = [
    "skopeo",
    "--insecure-policy",
    "copy",
    "--dest-tls-verify=false",
    "--format",
    "oci",
    `oci:${layout.root}:x`,
    image,
  ];
  const result = await runCommand(push);
  assert.is(result.code, 0, result.stderr);
  const pulled = await newLayout();
  await copy(client.repository(`${registry.host}/by-skopeo`), "v1", pulled, "y");
  assert.is((await pulled.resolve("y")).digest, (await layout.resolve("x")).digest);
});

copying("a manifest whose blobs are missing is refused", async ({ client, registry }) => {
  const memory = new MemoryTarget();
  const root = await pushRandomImage(memory);
  const repository = client.repository(`${registry.host}/missing`);
  const content = { open: () => readAll(memory, root) };
  const error = await repository.push(root, content).catch((reason: RegistryError) => reason);
  assert.is(error instanceof RegistryError && error.code, "MANIFEST_BLOB_UNKNOWN");
});

copying(
  "content that is not what was promised is refused by the registry and not stored",
  async ({ client, registry }) => {
    const memory = new MemoryTarget();
    const root = await pushRandomImage(memory, { layerBytes: [10] });
    const repository = client.repository(`${registry.host}/wrong`);
    const blob = { ...root, mediaType: "application/octet-stream" };
    const wrong = await repository
      .push(blob, fromBytes(Buffer.alloc(root.size)))
      .catch((reason: RegistryError) => reason);
    assert.is(wrong instanceof RegistryError && wrong.code, "DIGEST_MISMATCH");
    const short = await repository.push(blob, fromBytes(Buffer.alloc(5))).catch((reason: RegistryError) => reason);
    assert.is(short instanceof RegistryError && short.code, "SIZE_MISMATCH");
    assert.not(await repository.exists(blob));
  },
);

copying("a copy that fails leaves the tag as it was and nothing under way", async ({ client, registry }) => {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory), "v1");
  const repository = client.repository(`${registry.host}/failing`);
  const before = await copy(memory, "v1", repository, "v1");
  await memory.tag(await pushRandomImage(memory, { layerBytes: [100_000, 100_000] }), "v2");
  const stop = new AbortController();
  const onProgress = ({ state }: { state: string }) => state === "progress" && stop.abort(new Error("stopped"));
  const error = await copy(memory, "v2", repository, "v1", { onProgress, signal: stop.signal }).catch(
    (reason) => reason,
  );
  assert.is(error.message, "stopped");
  assert.is((await repository.resolve("v1")).digest, before.digest);
});

async function* readAll(
  target: Target,
  descriptor: Awaited<ReturnType<Target["resolve"]>>,
): AsyncGenerator<Uint8Array> {
  yield* await target.fetch(descriptor);
}

copying.run();
