import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BuildOptions, build as buildImage, diskUsage, type PruneResult, prune } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD, tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { storeProblems, taggedDigest } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { Terminal } from "../helpers/terminal.ts";

const test = suite("tsbuild du and prune");

const busybox = `oci-layout://${await baseImage("busybox")}:latest`;
const flags = await busyboxFlags();
const NAME = "docker.io/library/app:1";

const context = makeContext({
  Dockerfile: dockerfile(
    "FROM busybox",
    "RUN echo a > /a",
    "COPY f /f",
    "RUN --mount=type=cache,target=/c echo x >> /c/x; head -c 2000000 /dev/zero > /big",
  ),
  f: "f",
});

function newStore(): string {
  return join(makeTempDir("prune"), "store");
}

/** In this process: a command takes longer to start than to build this. */
async function build(store: string, more: Partial<BuildOptions> = { tags: ["app:1"] }): Promise<string> {
  const { descriptor } = await buildImage({ context, store, buildContexts: { busybox }, ...more });
  return descriptor.digest;
}

/** In a process of its own. */
async function buildApart(store: string, tag: string): Promise<string> {
  return (await tsbuildOk(["build", "-q", "--store", store, ...flags, "-t", tag, context])).stdout.trim();
}

test("du lists images, steps, unpacked layers and caches of RUN, with what each takes and when it was used", async () => {
  const store = newStore();
  await build(store);
  await build(store);
  const { root, records, totalBytes, reclaimableBytes, sharedBytes, privateBytes } = await diskUsage({ store });
  assert.is(root, store);
  const step = records.find(({ description }) => description.includes("RUN --mount"));
  assert.is(step?.type, "regular");
  assert.is(step?.usageCount, 2);
  assert.ok((step?.sizeBytes ?? 0) >= 2_000_000);
  assert.ok(step?.shared && step.reclaimable && !step.inUse && !step.mutable);
  assert.ok(Date.parse(step?.lastUsedAt ?? "") > Date.parse(step?.createdAt ?? ""));
  const parent = records.find(({ id }) => id === step?.parents[0]);
  assert.match(parent?.description ?? "", /COPY f \/f/);
  const cache = records.find(({ type }) => type === "exec.cachemount");
  assert.match(cache?.description ?? "", /^cached mount \/c with id /);
  assert.ok(cache?.mutable && !cache.shared);
  const images = records.filter(({ type }) => type === "image");
  assert.equal(images.map(({ names, reclaimable }) => [names, reclaimable]).sort(), [
    [[], true],
    [[NAME], false],
  ]);
  assert.is(sharedBytes + privateBytes, totalBytes);
  assert.ok(reclaimableBytes > 2_000_000 && reclaimableBytes < totalBytes);
  assert.ok(totalBytes < records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
});

test("du is a table for people, and each record in full with --verbose", async () => {
  const store = newStore();
  await build(store);
  const { stdout } = await tsbuildOk(["du", "--store", store, "--filter", "type!=internal"]);
  assert.match(stdout, /^ID +TYPE +RECLAIMABLE +SIZE +LAST ACCESSED +DESCRIPTION\n/);
  assert.match(stdout, /^[a-z0-9]{10} +regular +true +\S+ KiB +.* ago +\[3\/4\] COPY f \/f$/m);
  assert.match(stdout, /^mounts\/[0-9a-f]{12}\/0\* +exec\.cachemount /m);
  assert.match(stdout, /\n\nShared: +\S+ MiB\nPrivate: +\S+ KiB\nReclaimable: +\S+ MiB\nTotal: +\S+ MiB\n$/);
  const verbose = await tsbuildOk(["du", "--verbose", "--store", store, "--filter", "description~=COPY"]);
  assert.match(verbose.stdout, /^ID: +[a-z0-9]{10}\nParent: +[a-z0-9]{10}\nCreated at: +\d{4}-.*\nMutable: +false\n/);
  assert.match(verbose.stdout, /\nUsage count: +1\nLast used: +\d{4}-.*\nType: +regular\n/);
});

test("a store that is not there keeps nothing, and is not made", async () => {
  const store = newStore();
  assert.equal(JSON.parse((await tsbuildOk(["du", "--store", store, "--format", "json"])).stdout), {
    records: [],
    totalBytes: 0,
    reclaimableBytes: 0,
    sharedBytes: 0,
    privateBytes: 0,
    root: store,
  });
  assert.equal((await prune({ store })).removed, []);
  assert.not(existsSync(store));
});

test("prune removes what no image with a name is made of, and the image stays as it is", async () => {
  const store = newStore();
  const digest = await build(store);
  await build(store, {});
  const { removed } = await prune({ store });
  assert.equal(removed.map(({ type }) => type).sort(), ["exec.cachemount", "image"]);
  assert.is(taggedDigest(store, NAME), digest);
  assert.equal(storeProblems(store), []);
  const again = await tsbuildOk(["build", "--store", store, ...flags, "-t", "app:1", context]);
  assert.match(again.stderr, /CACHED/);
});

test("prune --all leaves the images with a name, which can be built on and rebuilt to the same digest", async () => {
  const store = newStore();
  const digest = await build(store);
  const before = await diskUsage({ store });
  const { reclaimedBytes, removed } = await prune({ store, all: true });
  assert.is(reclaimedBytes, before.reclaimableBytes);
  assert.is(removed.filter(({ type }) => type === "regular").length, 4);
  assert.equal(
    (await diskUsage({ store, filters: ["type!=internal"] })).records.map(({ description }) => description),
    [NAME],
  );
  assert.equal(readdirSync(join(store, "cache")), []);
  assert.equal(storeProblems(store), []);
  const onTop = makeContext({ Dockerfile: dockerfile("FROM app:1", "RUN cat /f /a") });
  await build(store, { tags: ["top"], context: onTop });
  assert.is(await build(store), digest);
});

test("an image that has lost its name goes, but not the layers that another has too", async () => {
  const store = newStore();
  const lost = await build(store, { tags: ["app:1"], labels: { n: "1" } });
  const kept = await build(store, { tags: ["app:1"], labels: { n: "2" } });
  const { removed } = await prune({ store, filters: ["type=image"] });
  assert.ok(removed.some(({ id }) => id === lost));
  assert.is(taggedDigest(store, NAME), kept);
  assert.equal(storeProblems(store), []);
});

test("bounds and ages: what was used last stays", async () => {
  const store = newStore();
  await build(store);
  assert.equal((await prune({ store, all: true, filters: ["until=1h"] })).removed, []);
  assert.equal((await prune({ store, all: true, keepDurationMs: 3_600_000 })).removed, []);
  assert.equal((await prune({ store, all: true, reservedBytes: 2 ** 30 })).removed, []);
  const bound = ["--max-used-space", "3mb", "--filter", "type=regular"];
  const pruned = await tsbuildOk(["prune", "-af", "--store", store, "--format", "json", ...bound]);
  const { removed } = JSON.parse(pruned.stdout) as PruneResult;
  assert.match(removed[0]?.description ?? "", /RUN --mount/);
  assert.ok(removed.length < 4);
});

test("only a person is asked, and no is the answer unless it is yes", async () => {
  const store = newStore();
  await build(store);
  const program = [...TSBUILD, "prune", "--store", store];
  for (const [answer, code] of [
    ["\r", 1],
    ["\x04", 1],
    ["\x03", 130],
    ["y\r", 0],
  ] as const) {
    const terminal = new Terminal(program, { NO_COLOR: "1" });
    await terminal.expect(/\[y\/N\]/);
    terminal.type(answer);
    assert.is(await terminal.exit(), code);
  }
  assert.equal((await diskUsage({ store, filters: ["type=exec.cachemount"] })).records, []);
});

const MISTAKES: readonly (readonly [readonly string[], RegExp])[] = [
  [["prune", "--filter", "typ=image"], /unknown field "typ".*\n.*did you mean type\?/],
  [["prune", "--filter", "until=soon"], /not a duration and not a time/],
  [["prune", "--keep-storage", "much"], /invalid value "much" for --keep-storage/],
  [["prune", "--keep-duration", "long"], /invalid value "long" for --keep-duration/],
  [["du", "--format", "yaml"], /one of pretty, json/],
  [["du", "here"], /takes no argument: here/],
  [["prune", "--al"], /did you mean --all\?/],
];

for (const [args, message] of MISTAKES) {
  test(`${args.join(" ")} is refused before anything is removed`, async () => {
    const { code, stderr } = await tsbuild(args);
    assert.is(code, 2);
    assert.match(stderr, message);
  });
}

test("builds beside prunes of everything end well, with the same image each time, and leave a good store", async () => {
  const store = newStore();
  const digest = await build(store);
  let isBuilding = true;
  const pruning = [1, 2].map(async () => {
    let removed = 0;
    while (isBuilding) removed += (await prune({ store, all: true })).removed.length;
    return removed;
  });
  const digests = await Promise.all(
    ["a", "b"].map(async (name) => {
      const found: string[] = [];
      for (let round = 0; round < 3; round++) found.push(await buildApart(store, name));
      return found;
    }),
  ).finally(() => {
    isBuilding = false;
  });
  assert.equal(new Set(digests.flat()), new Set([digest]));
  assert.ok((await Promise.all(pruning)).reduce((sum, count) => sum + count, 0) > 0);
  assert.equal(storeProblems(store), []);
});

test("what a step that runs stands on stays, its cache too, and du says that it is in use", async () => {
  const store = newStore();
  await build(store);
  const wait = "while ! [ -e /c/go ]; do sleep 0.05; done";
  const context = makeContext({
    Dockerfile: dockerfile("FROM app:1", `RUN --mount=type=cache,target=/c ${wait}; cat /f /a`),
  });
  const building = build(store, { tags: ["slow"], context });
  const held = async () => (await diskUsage({ store, filters: ["inuse"] })).records;
  while (!(await held()).some(({ type }) => type === "exec.cachemount")) await sleep(20);
  await prune({ store, all: true });
  const kept = await held();
  assert.is(kept.filter(({ type }) => type === "regular").length, 4);
  const [cache] = kept.filter(({ type }) => type === "exec.cachemount");
  writeFileSync(join(store, cache?.id ?? "", "files", "go"), "");
  await building;
  assert.equal(storeProblems(store), []);
});

test("a prune that is killed at any moment leaves a good store, and the next open removes the rest", async () => {
  const store = newStore();
  const digest = await build(store);
  for (const afterMs of [0, 100, 200, 300, 400, 500]) {
    const [file = "", ...args] = [...TSBUILD, "prune", "-af", "--store", store];
    const child = spawn(file, args, { stdio: "ignore" });
    const ended = once(child, "exit");
    await sleep(afterMs);
    child.kill("SIGKILL");
    await ended;
    assert.equal(storeProblems(store), []);
    assert.is(await build(store), digest);
  }
  assert.equal(readdirSync(join(store, "tmp")), []);
});

test("an ordinary user's store is listed and pruned in the namespace that its builds have", async () => {
  const user = new OrdinaryUser();
  const own = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM scratch", "COPY Dockerfile /f") }));
  const built = await user.tsbuild(["build", "-q", "--output", `type=local,dest=${user.home}/out`, own]);
  assert.is(built.code, 0, built.stderr);
  const listed = await user.tsbuild(["du", "--format", "json"]);
  assert.is(listed.code, 0, listed.stderr);
  assert.is(JSON.parse(listed.stdout).records.filter(({ type }: { type: string }) => type === "regular").length, 1);
  const pruned = await user.tsbuild(["prune", "-f", "--format", "json"]);
  assert.is(JSON.parse(pruned.stdout).removed.length, 2);
});

test.run();
