import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandOutput } from "./command.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** What `writeLayout` needs beside the trees: the `config` object of the image config. */
export interface LayoutConfig {
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
}

/** A directory that becomes a layer. */
export interface LayerTree {
  readonly path: string;
  /** Everything is 0:0 in the layer, whoever made the directory. */
  readonly ownedByRoot?: boolean;
}

/** A layer as it lies in a layout. */
interface PackedLayer {
  readonly digest: string;
  readonly size: number;
  readonly diffId: string;
}

/**
 * Writes an OCI image layout (image-spec v1.1 image-layout.md) whose layers are those of the layout `base`, then the given
 * directories, lowest first, tagged `latest`. Equal trees give equal bytes: GNU tar in name order with fixed times, gzip without a name.
 * It is written with none of our own code, so that it can serve as the other side in tests.
 */
export async function writeLayout(
  layout: string,
  trees: readonly LayerTree[],
  config: LayoutConfig,
  base?: string,
): Promise<void> {
  mkdirSync(join(layout, "blobs", "sha256"), { recursive: true });
  const layers = base === undefined ? [] : linkLayers(base, layout);
  for (const tree of trees) layers.push(await packTree(layout, tree));
  const manifest = writeJson(layout, imageManifest(writeJson(layout, imageConfig(config, layers)), layers));
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  const index = { schemaVersion: 2, manifests: [{ mediaType: MANIFEST, ...manifest, annotations }] };
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

function imageConfig(config: LayoutConfig, layers: readonly PackedLayer[]): object {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const created = "1980-01-01T00:00:00Z";
  const history = layers.map(() => ({ created, created_by: "test/helpers/base-images.ts" }));
  const diff_ids = layers.map((layer) => layer.diffId);
  return { created, architecture, os: "linux", config, rootfs: { type: "layers", diff_ids }, history };
}

function imageManifest(config: { digest: string; size: number }, layers: readonly PackedLayer[]): object {
  return {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER, digest, size })),
  };
}

function linkLayers(base: string, layout: string): PackedLayer[] {
  const blob = (root: string, digest: string) => join(root, "blobs", "sha256", digest.slice("sha256:".length));
  const read = (digest: string) => JSON.parse(readFileSync(blob(base, digest), "utf8"));
  const manifest = read(JSON.parse(readFileSync(join(base, "index.json"), "utf8")).manifests[0].digest);
  const diffIds: string[] = read(manifest.config.digest).rootfs.diff_ids;
  return manifest.layers.map(({ digest, size }: PackedLayer, index: number) => {
    linkSync(blob(base, digest), blob(layout, digest));
    return { digest, size, diffId: diffIds[index] };
  });
}

async function packTree(layout: string, tree: LayerTree): Promise<PackedLayer> {
  const file = join(layout, "layer.tmp");
  const owner = tree.ownedByRoot ? ["--owner=0", "--group=0"] : [];
  const diffId = await commandOutput(["bash", "-euo", "pipefail", "-c", PACK, "pack", tree.path, file, ...owner]);
  const digest = (await commandOutput(["sha256sum", file])).slice(0, 64);
  const size = Number(await commandOutput(["stat", "-c", "%s", file]));
  await commandOutput(["mv", file, join(layout, "blobs", "sha256", digest)]);
  return { digest: `sha256:${digest}`, size, diffId: `sha256:${diffId.slice(0, 64)}` };
}

/** $1: the tree, $2: the blob, $3: options for tar. Prints the sha256 of the uncompressed tar. */
const PACK = `
tar --create --file "$2.tar" --directory "$1" --sort=name --mtime=@315532800 --numeric-owner --xattrs --xattrs-include='*' \\
    --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime "\${@:3}" .
sha256sum "$2.tar"
gzip -1 -n < "$2.tar" > "$2"
rm "$2.tar"
`;

function writeJson(layout: string, value: object): { digest: string; size: number } {
  const content = Buffer.from(JSON.stringify(value));
  const digest = createHash("sha256").update(content).digest("hex");
  writeFileSync(join(layout, "blobs", "sha256", digest), content);
  return { digest: `sha256:${digest}`, size: content.length };
}
