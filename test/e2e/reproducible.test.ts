import { chmodSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { inspectConfig } from "../helpers/peers.ts";
import { makeTempDir } from "../helpers/temp.ts";

const reproducible = suite("e2e: reproducible builds");

const FILES = {
  Dockerfile: dockerfile(
    "FROM busybox AS build",
    "WORKDIR /src",
    "COPY . .",
    "RUN mkdir out && cat a.txt dir/b.txt > out/all.txt && ln out/all.txt out/again.txt && date > out/.stamp && rm out/.stamp",
    "FROM busybox",
    "COPY --from=build /src/out /out",
    "RUN touch /now && ln -s /now /link",
    'CMD ["cat", "/out/all.txt"]',
  ),
  "a.txt": "a\n",
  "dir/b.txt": "b\n",
};

async function digestOf(context: string, store: string, env: Record<string, string> = {}): Promise<string> {
  const flags = ["--quiet", "--no-cache", "--store", store, "--tag", "same", ...(await busyboxFlags())];
  return (await tsbuildOk(["build", ...flags, context], { env })).stdout.trim();
}

reproducible("the same build twice, and in another folder with an empty store, has one digest", async () => {
  const store = makeTempDir("store");
  const here = makeContext(FILES);
  const elsewhere = makeContext(FILES);
  utimesSync(join(elsewhere, "a.txt"), 1_000_000_000, 1_000_000_000);
  const first = await digestOf(here, store);
  assert.match(first, /^sha256:[0-9a-f]{64}$/);
  assert.is(await digestOf(here, store), first);
  assert.is(await digestOf(elsewhere, makeTempDir("store")), first);
});

reproducible("a file's content and its mode are part of the digest, its name on the host is not", async () => {
  const digests = new Set<string>();
  const store = makeTempDir("store");
  const context = makeContext(FILES);
  digests.add(await digestOf(context, store));
  chmodSync(join(context, "a.txt"), 0o755);
  digests.add(await digestOf(context, store));
  digests.add(await digestOf(makeContext({ ...FILES, "a.txt": "other\n" }), store));
  // chmod of a.txt stays in the build stage: only the content reaches the image.
  assert.is(digests.size, 2);
});

reproducible("SOURCE_DATE_EPOCH is the time of everything that is written, 1980-01-01 without it", async () => {
  for (const [env, created] of [
    [{}, "1980-01-01T00:00:00Z"],
    [{ SOURCE_DATE_EPOCH: "1700000000" }, "2023-11-14T22:13:20Z"],
  ] as const) {
    const dest = join(makeTempDir("output"), "image");
    const flags = ["--store", makeTempDir("store"), "--output", `type=oci,dest=${dest},tar=false`, "--tag", "time"];
    await tsbuildOk(["build", ...flags, ...(await busyboxFlags()), makeContext(FILES)], { env });
    assert.is((await inspectConfig(`oci:${dest}`)).created, created);
  }
});

reproducible.run();
