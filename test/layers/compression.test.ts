import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chainIds, LayerError, layerCompression, layerMediaType, parseCompression } from "../../layers/index.ts";
import type { Digest } from "../../registry-client/index.ts";

const test = suite("compression and chain ids");

for (const [text, compression] of [
  ["gzip", { type: "gzip" }],
  ["zstd,level=19", { type: "zstd", level: 19 }],
  ["gzip,level=1", { type: "gzip", level: 1 }],
  ["none", { type: "none" }],
] as const) {
  test(`${text} is read`, () => assert.equal(parseCompression(text), compression));
}

for (const [text, message] of [
  ["", '"" is not gzip, zstd or none'],
  ["toString", '"toString" is not gzip, zstd or none'],
  ["GZIP", '"GZIP" is not gzip, zstd or none'],
  ["gzip,level=0", "the levels of gzip are 1 to 12"],
  ["zstd,level=23", "the levels of zstd are 1 to 22"],
  ["zstd,level=-1", '"level=-1" is not level=N'],
  ["zstd,level=3,level=4", "level is given twice"],
  ["zstd,speed=3", '"speed=3" is not level=N'],
  ["none,level=1", "none has no levels"],
] as const) {
  test(`${JSON.stringify(text)} is refused`, () => {
    try {
      parseCompression(text);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, LayerError);
      assert.is((error as LayerError).code, "INVALID_COMPRESSION");
      assert.is((error as LayerError).message, `invalid compression ${JSON.stringify(text)}: ${message}`);
    }
  });
}

test("a layer's media type says how it is stored, and back", () => {
  for (const type of ["none", "gzip", "zstd"] as const) assert.is(layerCompression(layerMediaType({ type })), type);
  assert.is(layerCompression("application/vnd.docker.image.rootfs.diff.tar.gzip"), "gzip");
  assert.is(layerCompression("application/vnd.oci.image.config.v1+json"), undefined);
});

// Computed with: printf '%s %s' "$parent" "$diffId" | sha256sum
const A: Digest = `sha256:${"a".repeat(64)}`;
const B: Digest = `sha256:${"b".repeat(64)}`;
test("the chain id of the first layer is its diffId, of the next the digest of both", () => {
  assert.equal(chainIds([]), []);
  assert.equal(chainIds([A]), [A]);
  assert.equal(chainIds([A, B]), [A, "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c"]);
});

test.run();
