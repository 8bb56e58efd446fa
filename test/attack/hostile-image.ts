import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BaseImage, baseImage } from "../helpers/base-images.ts";
import { makeTempDir } from "../helpers/temp.ts";

export interface HostileImage {
  /** Layers to put on the base image: archives as they come, uncompressed. */
  readonly layers: readonly Uint8Array[];
  /** Default busybox. */
  readonly base?: BaseImage;
  /** Laid over the `config` object of the image config. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Changes the manifest before it is written. */
  readonly forge?: (manifest: Manifest) => void;
}

/** The parts of an image manifest that forgers like. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: Descriptor[];
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** An OCI layout, tag `latest`, that every user may read: a base image with layers that no honest tool would make. */
export async function hostileImage({ layers, base = "busybox", config, forge }: HostileImage): Promise<string> {
  const from = await baseImage(base);
  const layout = makeTempDir("hostile");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  for (const name of readdirSync(join(from, "blobs/sha256"))) {
    copyFileSync(join(from, "blobs/sha256", name), join(blobs, name));
  }
  const put = (content: Uint8Array): Pick<Descriptor, "digest" | "size"> => {
    writeFileSync(join(blobs, sha256(content)), content);
    return { digest: `sha256:${sha256(content)}`, size: content.length };
  };
  const read = (digest: string) => JSON.parse(readFileSync(join(blobs, digest.slice("sha256:".length)), "utf8"));
  const index = JSON.parse(readFileSync(join(from, "index.json"), "utf8"));
  const manifest = read(index.manifests[0].digest);
  const image = read(manifest.config.digest);
  for (const layer of layers) {
    manifest.layers.push({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...put(gzipSync(layer)) });
    image.rootfs.diff_ids.push(`sha256:${sha256(layer)}`);
    image.history.push({ created_by: "hostile" });
  }
  Object.assign(image.config, config);
  Object.assign(manifest.config, put(Buffer.from(JSON.stringify(image))));
  forge?.(manifest);
  Object.assign(index.manifests[0], put(Buffer.from(JSON.stringify(manifest))));
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  for (const directory of [layout, join(layout, "blobs"), blobs]) chmodSync(directory, 0o755);
  return layout;
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
