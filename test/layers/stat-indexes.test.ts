import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Store } from "../../layers/index.ts";
import { digestSelection } from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("indexes of contexts");

/** Longer than what has just changed is mistrusted. */
const SETTLED_MS = 200;

async function makeContext(): Promise<string> {
  const directory = makeTempDir("context");
  writeFileSync(join(directory, "f"), "text");
  await sleep(SETTLED_MS);
  return directory;
}

/** A build that reads these directories. */
async function build(root: string, ...directories: readonly string[]): Promise<void> {
  const store = await Store.open(root);
  for (const directory of directories) {
    const index = store.statIndexes.of(directory);
    if (index === undefined) continue;
    const source = { rootfs: { lowers: [directory] }, isContext: true };
    await digestSelection({ source, paths: ["/"], wildcards: false }, { index });
  }
  await store.close();
}

function indexes(root: string): readonly string[] {
  return existsSync(join(root, "stat")) ? readdirSync(join(root, "stat")) : [];
}

test("a context has one, for its user alone, under whatever path it is named", async () => {
  const [root, directory] = [makeTempDir("store"), await makeContext()];
  await build(root, directory);
  await build(root, `${directory}/.`);
  const [name = "", ...others] = indexes(root);
  assert.equal(others, []);
  assert.is(statSync(join(root, "stat")).mode & 0o7777, 0o700);
  assert.is(statSync(join(root, "stat", name)).mode & 0o7777, 0o600);
});

test("a store that reads no context has none, nor has what lies in the store itself", async () => {
  const root = makeTempDir("store");
  const own = join(root, "tmp", "own");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "f"), "text");
  await sleep(SETTLED_MS);
  await build(root);
  await build(root, own);
  await build(root, join(root, "missing"));
  assert.equal(indexes(root), []);
});

test("64 are kept, those that were of use last", async () => {
  const [root, directory] = [makeTempDir("store"), await makeContext()];
  await build(root, directory);
  const [used = ""] = indexes(root);
  const old = new Date(1_000_000_000_000);
  for (let index = 0; index < 70; index++) {
    writeFileSync(join(root, "stat", `old-${index}`), "");
    const time = new Date(old.getTime() + index * 1000);
    utimesSync(join(root, "stat", `old-${index}`), time, time);
  }
  utimesSync(join(root, "stat", used), old, old);
  await build(root, directory);
  const kept = indexes(root);
  assert.is(kept.length, 64);
  assert.ok(kept.includes(used));
  assert.ok(kept.includes("old-69") && !kept.includes("old-6"));
});

test("one that cannot be kept does not fail what was done", async () => {
  const [root, directory] = [makeTempDir("store"), await makeContext()];
  writeFileSync(join(root, "stat"), "not a directory");
  await build(root, directory);
  rmSync(join(root, "stat"));
  execFileSync("mkdir", [join(root, "stat")]);
  await build(root, directory);
  assert.is(indexes(root).length, 1);
});

test.run();
