import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Store } from "../../layers/index.ts";
import { tryLockFile } from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("what a killed process leaves in the store");

test("locks that nobody holds go when the store is opened, and those that are held stay", async () => {
  const root = makeTempDir("store");
  const first = await Store.open(root);
  writeFileSync(first.lockPath("of-the-dead"), "");
  const held = tryLockFile(first.lockPath("of-the-living"));
  const second = await Store.open(root);
  assert.equal(readdirSync(join(root, "locks")), ["of-the-living"]);
  held?.release();
  for (const store of [first, second]) await store.close();
});

test.run();
