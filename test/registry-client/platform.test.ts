import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  formatPlatform,
  hostPlatform,
  MediaType,
  MemoryTarget,
  parsePlatform,
  RegistryError,
  selectPlatform,
} from "../../registry-client/index.ts";
import { pushIndex, pushJson, pushRandomImage } from "./images.ts";

const platform = suite("platform");

const offered = ["linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "windows/amd64"];

const choices: readonly (readonly [string, string | undefined])[] = [
  ["linux/amd64", "linux/amd64"],
  ["linux/x86_64", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/v6", "linux/arm/v6"],
  ["linux/arm/v8", "linux/arm/v7"],
  ["linux/arm/v5", undefined],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["windows/amd64", "windows/amd64"],
  ["linux/riscv64", undefined],
];

for (const [wanted, expected] of choices) {
  platform(`of ${offered.join(", ")}, ${wanted} takes ${expected ?? "none"}`, async () => {
    const memory = new MemoryTarget();
    const index = await pushIndex(memory, offered.map(parsePlatform));
    const selected = await selectPlatform(memory, index, parsePlatform(wanted)).catch((error: RegistryError) => error);
    if (selected instanceof RegistryError) {
      assert.is(selected.code, "PLATFORM_NOT_FOUND");
      assert.is(selected.hint, `it has ${offered.join(", ")}`);
      assert.is(expected, undefined);
    } else assert.is(selected.platform && formatPlatform(selected.platform), expected);
  });
}

platform("a manifest is its own choice", async () => {
  const memory = new MemoryTarget();
  const image = await pushRandomImage(memory);
  assert.is(await selectPlatform(memory, image, parsePlatform("linux/s390x")), image);
});

platform("nested indexes are entered, attestations passed over", async () => {
  const memory = new MemoryTarget();
  const amd64 = parsePlatform("linux/amd64");
  const image = { ...(await pushRandomImage(memory)), platform: amd64 };
  const attestation = { ...image, annotations: { "vnd.docker.reference.type": "attestation-manifest" } };
  const unknown = { ...image, platform: { os: "unknown", architecture: "unknown" } };
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex };
  const inner = await pushJson(memory, MediaType.ociIndex, { ...index, manifests: [attestation, unknown, image] });
  const outer = await pushJson(memory, MediaType.ociIndex, { ...index, manifests: [unknown, inner] });
  assert.equal(await selectPlatform(memory, outer, amd64), image);
});

platform("an index nested without end is refused", async () => {
  const memory = new MemoryTarget();
  let root = await pushIndex(memory, []);
  for (let depth = 0; depth < 10; depth++) {
    root = await pushJson(memory, MediaType.ociIndex, {
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [root],
    });
  }
  const error = await selectPlatform(memory, root, parsePlatform("linux/amd64")).catch(
    (reason: RegistryError) => reason,
  );
  assert.is(error instanceof RegistryError && error.code, "INVALID_CONTENT");
});

const spellings: readonly (readonly [text: string, expected: string | RegExp])[] = [
  ["linux/amd64", "linux/amd64"],
  ["Linux/x86_64", "linux/amd64"],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/v6", "linux/arm/v6"],
  ["arm64", "linux/arm64"],
  ["armhf", "linux/arm/v7"],
  ["macos/arm64", "darwin/arm64"],
  ["linux", formatPlatform(hostPlatform())],
  ["linus", /^"linus": unknown operating system or architecture: invalid argument$/],
  ["linux/", /^"" is an invalid component of "linux\/"/],
  ["linux/amd 64", /^"amd 64" is an invalid component/],
  ["a/b/c/d", /^"a\/b\/c\/d": cannot parse platform specifier/],
  ["linux/*", /wildcards not yet supported/],
];

for (const [text, expected] of spellings) {
  platform(`${JSON.stringify(text)} is ${expected instanceof RegExp ? "refused" : expected}`, () => {
    if (expected instanceof RegExp)
      assert.throws(
        () => parsePlatform(text),
        (error: Error) => expected.test(error.message),
      );
    else assert.is(formatPlatform(parsePlatform(text)), expected);
  });
}

platform.run();
