import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuild } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { storeProblems } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const diskFull = suite("e2e: a full disk");

const store = makeTempDir("full");

diskFull.before(async () => {
  await commandOutput(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tsbuild-test", store]);
});
diskFull.after(async () => {
  await commandOutput(["umount", store]);
});

async function build(context: string) {
  return tsbuild(["build", "--store", store, "--tag", "full", ...(await busyboxFlags()), context]);
}

async function assertStoreWorks(): Promise<void> {
  assert.equal(storeProblems(store), []);
  const { code, stderr } = await build(
    makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN echo small > /small") }),
  );
  assert.is(code, 0, stderr);
}

diskFull("a RUN that fills the disk fails with its own words, and the store works on", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN dd if=/dev/zero of=/big bs=1M count=64") });
  const { code, stderr } = await build(context);
  assert.is(code, 1, stderr);
  assert.match(stderr, /No space left on device/);
  assert.match(stderr, /^error: .*\[RUN_FAILED\]$/m);
  await assertStoreWorks();
});

diskFull("a COPY that does not fit is one error that names the want of space, and the store works on", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "COPY big /big") });
  writeFileSync(join(context, "big"), Buffer.alloc(64 << 20, "does not fit\n"));
  const { code, stderr } = await build(context);
  assert.is(code, 1, stderr);
  assert.match(stderr, /^error: .*\[NO_SPACE\]$/m);
  await assertStoreWorks();
});

diskFull.run();
