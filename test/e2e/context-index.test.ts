import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("e2e: contexts that are known, and modes");

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

/** What a checkout under a umask looks like. */
function checkout(umask: number): string {
  const context = makeContext(FILES);
  for (const path of ["src/a.txt", "src/dir/b.txt"]) chmodSync(join(context, path), 0o666 & ~umask);
  for (const path of ["src", "src/dir", "bin", "bin/tool"]) chmodSync(join(context, path), 0o777 & ~umask);
  return context;
}

test("--normalize-modes: one image and one cache entry for every umask, that of 022", async () => {
  const store = makeTempDir("store");
  const contexts = [0o022, 0o002, 0o077].map(checkout);
  const digests: string[] = [];
  for (const context of contexts) digests.push(await build(context, store, "--normalize-modes"));
  assert.is(new Set(digests).size, 1);
  const { stderr } = await tsbuildOk([
    ...["build", "--progress", "plain", "--store", store, "--normalize-modes", ...(await busyboxFlags())],
    checkout(0o007),
  ]);
  assert.is(stderr.match(/ CACHED$/gm)?.length, 3, stderr);
  assert.is(await build(contexts[0] ?? "", makeTempDir("store")), digests[0], "without the flag, umask 022");
  assert.is.not(await build(contexts[1] ?? "", store), digests[0], "without the flag, umask 002");
});

test("--normalize-modes: what RUN mounts of a context has them too, and set-id bits are not brought", async () => {
  const context = makeContext({
    ...FILES,
    Dockerfile: dockerfile(
      "FROM busybox",
      "COPY bin /b",
      "RUN --mount=type=bind,target=/mnt stat -c %a /mnt/bin /mnt/bin/tool /mnt/src/a.txt /b/tool > /modes && cat /modes",
    ),
  });
  chmodSync(join(context, "bin"), 0o2770);
  chmodSync(join(context, "bin/tool"), 0o4750);
  chmodSync(join(context, "src/a.txt"), 0o606);
  const out = join(makeTempDir("out"), "files");
  await build(context, makeTempDir("store"), "--normalize-modes", "--output", out);
  assert.is(readFileSync(join(out, "modes"), "utf8"), "755\n755\n644\n755\n");
});

test.run();
