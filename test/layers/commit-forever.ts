/** Commits snapshots of 50 files each to the store it is given until it is killed, and says when one is there. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EMPTY_SNAPSHOT, Store } from "../../layers/index.ts";

const store = await Store.open(process.argv[2] as string);
for (let parent = EMPTY_SNAPSHOT; ; ) {
  const active = await store.snapshotter.prepare(parent);
  for (let file = 0; file < 50; file++) await writeFile(join(active.rootfs.upper, `${file}`), `content ${file}`);
  parent = await store.snapshotter.commit(active);
  process.stdout.write("committed\n");
  if (parent.chain.length === 20) parent = EMPTY_SNAPSHOT;
}
