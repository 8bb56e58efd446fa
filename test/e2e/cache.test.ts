import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const cache = suite("e2e: cache");

const FILES = {
  Dockerfile: dockerfile(
    "FROM busybox AS build",
    "WORKDIR /src",
    "COPY a.txt .",
    "RUN echo first-ran && cat a.txt > first",
    "COPY b.txt .",
    "RUN echo second-ran && cat b.txt > second",
    "FROM busybox",
    "COPY --from=build /src/first /src/second /",
    "RUN echo third-ran && cat /first /second > /third",
  ),
  "a.txt": "a\n",
  "b.txt": "b\n",
};

/** Builds, and returns which of the three RUN steps ran. */
async function stepsRun(context: string, store: string, ...flags: readonly string[]): Promise<string[]> {
  const fixed = ["--progress", "plain", "--store", store, "--tag", "cached", ...(await busyboxFlags())];
  const { stderr } = await tsbuildOk(["build", ...fixed, ...flags, context]);
  return ["first", "second", "third"].filter((step) => new RegExp(`^#\\d+ [\\d.]+ ${step}-ran$`, "m").test(stderr));
}

cache("a second build runs no step", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  assert.equal(await stepsRun(context, store), ["first", "second", "third"]);
  assert.equal(await stepsRun(context, store), []);
});

cache("the same files in another folder hit the cache", async () => {
  const store = makeTempDir("store");
  await stepsRun(makeContext(FILES), store);
  assert.equal(await stepsRun(makeContext(FILES), store), []);
});

cache("a changed file runs the steps after its COPY and no others", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  await stepsRun(context, store);
  writeFileSync(join(context, "b.txt"), "changed\n");
  assert.equal(await stepsRun(context, store), ["second", "third"]);
});

cache("a step whose input files come out equal is not run again", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  await stepsRun(context, store);
  const changed = FILES.Dockerfile.replace("echo second-ran", "echo second-ran again; echo second-ran");
  writeFileSync(join(context, "Dockerfile"), changed);
  assert.equal(await stepsRun(context, store), ["second"]);
});

cache("--no-cache runs every step", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  await stepsRun(context, store);
  assert.equal(await stepsRun(context, store, "--no-cache"), ["first", "second", "third"]);
});

cache("a cache whose snapshots are gone runs the steps again instead of failing", async () => {
  const [context, store] = [makeContext(FILES), makeTempDir("store")];
  await stepsRun(context, store);
  rmSync(join(store, "snapshots"), { recursive: true });
  assert.equal(await stepsRun(context, store), ["first", "second", "third"]);
});

cache.run();
