/** Commits one pulled layer, as all who run this at once do, and prints the snapshot that the chain then has. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EMPTY_SNAPSHOT, Store } from "../../layers/index.ts";
import type { Digest } from "../../registry-client/index.ts";

const [root, chainId] = process.argv.slice(2) as [string, Digest];
const store = await Store.open(root);
const active = await store.snapshotter.prepare(EMPTY_SNAPSHOT);
await writeFile(join(active.rootfs.upper, "file"), "content");
const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: chainId, size: 1 };
const origin = { chainId, layer: { descriptor, diffId: chainId, isEmpty: false } };
process.stdout.write((await store.snapshotter.commit(active, origin)).id);
await store.close();
