import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  digestBytes,
  fetchBytes,
  fromBytes,
  MediaType,
  MemoryTarget,
  parseImageConfig,
  parseIndex,
  parseManifest,
  RegistryError,
  verifyStream,
} from "../../registry-client/index.ts";

const documents = suite("documents");

const blob = { mediaType: MediaType.ociConfig, digest: digestBytes(Buffer.from("{}")), size: 2 };

function codeOf(action: () => unknown): string {
  try {
    action();
    return "none";
  } catch (error) {
    return error instanceof RegistryError ? error.code : String(error);
  }
}

const bytesOf = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config: blob, layers: [blob] };

const manifests: readonly (readonly [string, unknown, string])[] = [
  ["a whole manifest", manifest, "none"],
  ["a Docker manifest", { ...manifest, mediaType: MediaType.dockerManifest }, "none"],
  ["a manifest without media type", { ...manifest, mediaType: undefined }, "none"],
  ["no JSON", "<html>", "INVALID_CONTENT"],
  ["half a manifest", JSON.stringify(manifest).slice(0, 50), "INVALID_CONTENT"],
  ["an array", [], "INVALID_CONTENT"],
  ["null", null, "INVALID_CONTENT"],
  ["schema 1", { ...manifest, schemaVersion: 1 }, "UNSUPPORTED"],
  ["an index's media type", { ...manifest, mediaType: MediaType.ociIndex }, "INVALID_CONTENT"],
  ["no config", { ...manifest, config: undefined }, "INVALID_CONTENT"],
  ["layers that are no list", { ...manifest, layers: {} }, "INVALID_CONTENT"],
  [
    "a layer with a path for a digest",
    { ...manifest, layers: [{ ...blob, digest: "sha256:../../etc" }] },
    "INVALID_CONTENT",
  ],
  ["a negative size", { ...manifest, layers: [{ ...blob, size: -1 }] }, "INVALID_CONTENT"],
  ["a size beyond all numbers", { ...manifest, layers: [{ ...blob, size: 1e300 }] }, "INVALID_CONTENT"],
];

for (const [name, value, code] of manifests) {
  documents(`${name} as a manifest: ${code}`, () => {
    assert.is(
      codeOf(() => parseManifest(bytesOf(value))),
      code,
    );
  });
}

documents("an index and an image configuration are checked alike", () => {
  assert.is(
    codeOf(() => parseIndex(bytesOf({ schemaVersion: 2, manifests: [blob] }))),
    "none",
  );
  assert.is(
    codeOf(() => parseIndex(bytesOf({ schemaVersion: 2, manifests: [{}] }))),
    "INVALID_CONTENT",
  );
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [blob.digest] } };
  assert.is(
    codeOf(() => parseImageConfig(bytesOf(config))),
    "none",
  );
  assert.is(
    codeOf(() => parseImageConfig(bytesOf({ ...config, os: 1 }))),
    "INVALID_CONTENT",
  );
  assert.is(
    codeOf(() => parseImageConfig(bytesOf({ ...config, rootfs: { diff_ids: ["x"] } }))),
    "INVALID_CONTENT",
  );
});

documents("content larger than the limit is not fetched", async () => {
  const error = await fetchBytes(new MemoryTarget(), { ...blob, size: 5 << 20 }).catch(
    (reason: RegistryError) => reason,
  );
  assert.is(error instanceof RegistryError && error.code, "TOO_LARGE");
});

documents("embedded data is verified and used", async () => {
  const data = Buffer.from("{}").toString("base64");
  assert.equal(Buffer.from(await fetchBytes(new MemoryTarget(), { ...blob, data })).toString(), "{}");
  const error = await fetchBytes(new MemoryTarget(), { ...blob, data: "eyF=" }).catch(
    (reason: RegistryError) => reason,
  );
  assert.is(error instanceof RegistryError && error.code, "DIGEST_MISMATCH");
});

const streams: readonly (readonly [string, string, string])[] = [
  ["the right bytes", "{}", "none"],
  ["other bytes", "[]", "DIGEST_MISMATCH"],
  ["too few bytes", "{", "SIZE_MISMATCH"],
  ["too many bytes", "{} ", "SIZE_MISMATCH"],
];

for (const [name, text, code] of streams) {
  documents(`a verified stream of ${name}: ${code}`, async () => {
    const read = async (): Promise<string> => {
      for await (const _chunk of verifyStream(fromBytes(Buffer.from(text)).open(), blob));
      return "none";
    };
    assert.is(await read().catch((error: RegistryError) => error.code), code);
  });
}

documents.run();
