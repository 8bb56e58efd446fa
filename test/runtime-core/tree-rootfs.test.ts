import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { digestSelection, listDirectory, type RuntimeError, readFile } from "../../runtime-core/index.ts";
import { mounts } from "../helpers/mounts.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { context, copy, listing, plant, select, setXattr, writable } from "./tree-fixture.ts";

const suite = createSuite("tree: roots");
const text = async (lowers: readonly string[], path: string) =>
  new TextDecoder().decode(await readFile({ lowers }, path, 1000));

suite("a whiteout hides what is below, an opaque directory all of it", async () => {
  const lowers = [
    plant({ "a/gone": "1", "a/stays": "2", "b/gone": "3" }),
    plant({ "a/gone": { type: "whiteout" }, "b/new": "4" }),
  ];
  setXattr(join(lowers[1] ?? "", "b"), "trusted.overlay.opaque", "y");
  assert.equal(await listDirectory({ rootfs: { lowers } }, "/a"), ["stays"]);
  assert.equal(await listDirectory({ rootfs: { lowers } }, "/b"), ["new"]);
});

suite("a whiteout in a lowest layer is nothing", async () => {
  const lowers = [plant({ "a/gone": { type: "whiteout" }, "a/b": "" })];
  assert.equal(await listDirectory({ rootfs: { lowers } }, "/a"), ["b"]);
  const error = await digestSelection(select({ rootfs: { lowers } }, "/a/gone")).catch((e: RuntimeError) => e.code);
  assert.is(error, "NOT_FOUND");
});

suite("hundreds of layers with long paths are one root", async () => {
  const folder = makeTempDir(`layers-${"x".repeat(100)}`);
  const lowers = Array.from({ length: 250 }, (_, index) => join(folder, `layer,with:odd\\name-${index}`));
  lowers.forEach((path, index) => {
    mkdirSync(path);
    writeFileSync(join(path, "top"), `${index}`);
    writeFileSync(join(path, `own-${index}`), "");
  });
  assert.is(await text(lowers, "/top"), "249");
  assert.is((await listDirectory({ rootfs: { lowers } }, "/")).length, 251);
  const rootfs = writable(...lowers);
  await copy(rootfs, select(context({ f: "new" }), "/f"), "/top");
  assert.equal(listing(rootfs.upper), { top: "file 0644 0:0 new" });
});

suite("an unfinished root is read with its upper, and its work directory stays empty", async () => {
  const rootfs = writable(plant({ a: "lower" }));
  writeFileSync(join(rootfs.upper, "a"), "upper");
  assert.is(new TextDecoder().decode(await readFile(rootfs, "/a", 100)), "upper");
  assert.equal(readdirSync(rootfs.work), []);
});

suite("a file of more bytes than asked for is refused, as is what is no file", async () => {
  const rootfs = { lowers: [plant({ "d/a": "12345", p: { type: "fifo" } })] };
  const code = (e: RuntimeError) => e.code;
  assert.is(await readFile(rootfs, "/d/a", 4).catch(code), "TOO_LARGE");
  assert.is(await readFile(rootfs, "/d", 4).catch(code), "NOT_A_FILE");
  assert.is(await readFile(rootfs, "/p", 4).catch(code), "NOT_A_FILE");
  assert.is(await readFile(rootfs, "/none", 4).catch(code), "NOT_FOUND");
});

suite("a layer that is gone is told apart from a missing source", async () => {
  const source = { rootfs: { lowers: ["/nonexistent/layer"] } };
  assert.is(await digestSelection(select(source, "/")).catch((e: RuntimeError) => e.code), "ROOTFS_NOT_FOUND");
});

suite("nothing is mounted on the host while a copy runs, nor after it is killed", async () => {
  const files = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`d${index % 50}/f${index}`, "x"]));
  const source = { rootfs: { lowers: [plant({}), plant(files)] } };
  const rootfs = writable(plant({ base: "" }));
  const before = mounts();
  const script = `
    import { applyFileActions } from ${JSON.stringify(import.meta.resolve("../../runtime-core/index.ts"))};
    const [rootfs, source] = JSON.parse(process.argv[1]);
    console.log("started");
    const selection = { source, paths: ["/"], wildcards: false };
    const copies = Array.from({ length: 100 }, (_, n) => ({ type: "copy", selection, dest: "/to" + n + "/" }));
    await applyFileActions(rootfs, copies, { sourceDateEpoch: 0 });`;
  const argv = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script];
  const child = spawn(process.execPath, [...argv, JSON.stringify([rootfs, source])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const isAlive = () => child.exitCode === null;
  while (isAlive() && !existsSync(join(rootfs.upper, "to0/d9"))) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isAlive(), "the copy is over too soon");
  assert.equal(mounts(), before);
  child.kill("SIGKILL");
  await once(child, "close");
  assert.equal(mounts(), before);
  assert.ok(statSync(rootfs.upper).isDirectory());
});

suite.run();
