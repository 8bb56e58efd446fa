/** Fills the small filesystem it is given, and prints how packing, unpacking and saving fail on it, and what they leave. */
import { randomBytes } from "node:crypto";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileCacheStore } from "../../builder/solver/index.ts";
import { applyImage, packLayer, Store } from "../../layers/index.ts";
import { writeFiles } from "./helpers.ts";

const [disk] = process.argv.slice(2) as [string];
const FORM = { compression: { type: "none" }, sourceDateEpoch: 0 } as const;

const store = await Store.open(join(disk, "store"));
const active = await writeFiles(store, {});
await writeFile(join(active.rootfs.upper, "noise"), randomBytes(1_200_000));
const snapshot = await store.snapshotter.commit(active);
const layer = await packLayer(snapshot, store, FORM);
const before = await listing();

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => ({ name: "nothing failed" }),
    (thrown) => thrown,
  );
  return { name: error.name, code: error.code, hint: error.hint, message: error.message };
};

const ballast = join(disk, "ballast");
await writeFile(ballast, randomBytes(600_000));
const pack = await failureOf(packLayer(snapshot, store, { ...FORM, compression: { type: "gzip" } }));
const apply = await failureOf(applyImage(store, [layer.descriptor], [layer.diffId]));
await writeFile(ballast, randomBytes(4_000_000)).catch(() => {});
const key = `sha256:${"0".repeat(64)}` as const;
const save = await failureOf(new FileCacheStore(store).save(key, { snapshot, resultKey: key }));
await rm(ballast);
process.stdout.write(
  JSON.stringify({ pack, apply, save, left: (await listing()).filter((name) => !before.includes(name)) }),
);

async function listing(): Promise<readonly string[]> {
  return (await readdir(store.root, { recursive: true })).sort();
}
