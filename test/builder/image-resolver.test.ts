import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError } from "../../builder/errors.ts";
import { ImageResolver } from "../../builder/image-resolver.ts";
import { Store } from "../../layers/index.ts";
import { OciLayout, parsePlatform, RegistryClient } from "../../registry-client/index.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushIndex, pushRandomImage } from "../registry-client/images.ts";

const resolver = suite("image resolver");

/** No registry answers there. */
const NAME = "127.0.0.1:1/app:1";

let store: Store;
let images: ImageResolver;

resolver.before(async () => {
  store = await Store.open(makeTempDir("store"));
  images = new ImageResolver({ store, registry: new RegistryClient(), pull: false });
});

resolver.after(() => store.close());

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof BuildError ? error.code : undefined;
}

resolver("what the store has under a name counts only for the platform it is of, variant and all", async () => {
  const image = await pushRandomImage(store.layout, { platform: parsePlatform("linux/arm/v7") });
  await store.layout.tag(image, NAME);
  const found = await images.resolve(NAME, { platform: parsePlatform("linux/arm") });
  assert.is(found.manifest.digest, image.digest);
  for (const other of ["linux/arm/v6", "linux/arm64"]) {
    assert.is(await codeOf(images.resolve(NAME, { platform: parsePlatform(other) })), "REGISTRY_UNREACHABLE");
  }
});

resolver("an OCI layout's index gives the image of the platform, or says what it has", async () => {
  const path = join(makeTempDir("layout"), "layout");
  const layout = await OciLayout.open(path, { create: true });
  await layout.tag(await pushIndex(layout, [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")]), "v1");
  for (const address of [path, `${path}:v1`]) {
    const { config } = await images.resolveLayout(address, { platform: parsePlatform("arm64") });
    assert.is(config.architecture, "arm64");
  }
  const missing = images.resolveLayout(`${path}:v1`, { platform: parsePlatform("linux/s390x") });
  const error = await missing.catch((thrown: BuildError) => thrown);
  assert.is(error instanceof BuildError && error.hint, "it has linux/amd64, linux/arm64");
  assert.is(
    await codeOf(images.resolveLayout(`${path}:v2`, { platform: parsePlatform("arm64") })),
    "BASE_IMAGE_NOT_FOUND",
  );
});

resolver.run();
