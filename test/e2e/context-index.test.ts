import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("e2e: contexts that are known");

/** Longer than what has just changed is mistrusted. */
const SETTLED_MS = 200;
const FILES = {
  Dockerfile: dockerfile("FROM busybox", "COPY src /src", "COPY --chmod=u=rwX,go=rX bin /bin/"),
  "src/a.txt": "one\n",
  "src/dir/b.txt": "two\n",
  "bin/tool": "#!/bin/sh\necho tool\n",
};

async function build(context: string, store: string, ...flags: readonly string[]): Promise<string> {
  const all = ["--quiet", "--store", store, ...flags, ...(await busyboxFlags())];
  return (await tsbuildOk(["build", ...all, context])).stdout.trim();
}

test("an edit of the same size with its old mtime is found by the next build, and after a damaged index", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  const file = join(context, "src/a.txt");
  await sleep(SETTLED_MS);
  const first = await build(context, store);
  const [name = ""] = readdirSync(join(store, "stat"));
  assert.is(statSync(join(store, "stat", name)).mode & 0o7777, 0o600);
  const { atime, mtime } = statSync(file);
  writeFileSync(file, "eno\n", { flag: "r+" });
  utimesSync(file, atime, mtime);
  const second = await build(context, store);
  assert.is.not(second, first);
  assert.is(second, await build(context, makeTempDir("store")), "as in a store that knows nothing");
  writeFileSync(join(store, "stat", name), "damaged");
  assert.is(await build(context, store), second);
});

test.run();
