/** Commits and packs snapshots in the store it is given and prunes all, again and again until it is killed; it says when it begins to. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EMPTY_SNAPSHOT, layersOf, pruneStore, Store } from "../../../layers/index.ts";

const root = process.argv[2] as string;
const form = { compression: { type: "none" }, sourceDateEpoch: 0 } as const;

for (;;) {
  const making = await Store.open(root);
  let parent = EMPTY_SNAPSHOT;
  for (let depth = 0; depth < 20; depth++) {
    const active = await making.snapshotter.prepare(parent);
    await writeFile(join(active.rootfs.upper, `${depth}`), `content ${depth} ${process.pid}`);
    parent = await making.snapshotter.commit(active);
  }
  await layersOf(parent, making, form);
  await making.close();
  const pruning = await Store.open(root);
  process.stdout.write("pruning\n");
  await pruneStore(pruning, { all: true });
  await pruning.close();
}
