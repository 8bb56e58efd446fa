import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type BuildEvent, type BuildOptions, build } from "../../builder/index.ts";
import { OciLayout } from "../../registry-client/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("build, as a library");

async function optionsFor(
  files: Readonly<Record<string, string>>,
  more: Partial<BuildOptions> = {},
): Promise<BuildOptions> {
  const busybox = `oci-layout://${await baseImage("busybox")}:latest`;
  return { context: makeContext(files), store: makeTempDir("store"), buildContexts: { busybox }, ...more };
}

test("every vertex that starts or comes from cache ends in exactly one state, and logs come between", async () => {
  const options = await optionsFor({
    Dockerfile: dockerfile("FROM busybox", "COPY a /", "RUN echo out; echo err >&2"),
    a: "a",
  });
  for (const expected of ["completed", "cached"]) {
    const events: BuildEvent[] = [];
    await build({ ...options, onEvent: (event) => events.push(event) });
    const states = events.flatMap((event) =>
      event.type === "vertex" && event.name.includes("RUN") ? [event.state] : [],
    );
    assert.equal(states, expected === "cached" ? ["cached"] : ["started", "completed"]);
    const logs = events.flatMap((event) =>
      event.type === "log" ? [`${event.stream} ${Buffer.from(event.data).toString().trim()}`] : [],
    );
    assert.equal(logs.sort(), expected === "cached" ? [] : ["stderr err", "stdout out"]);
    assert.is(events.filter((event) => event.type === "usage").length, expected === "cached" ? 0 : 1);
  }
});

test("a build that is aborted rejects with the reason, and its store has nothing unfinished", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const options = await optionsFor({ Dockerfile: dockerfile("FROM busybox", "RUN echo started; sleep 600") });
  const building = build({
    ...options,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === "log") controller.abort(reason);
    },
  });
  assert.is(await building.then(assert.unreachable as () => unknown, (error: unknown) => error), reason);
  assert.equal(readdirSync(join(options.store as string, "tmp")), []);
  assert.equal(await (await OciLayout.open(options.store as string)).list(), []);
});

test("the epoch is the option's, else the build argument's, else the environment's", async () => {
  const options = await optionsFor({ Dockerfile: dockerfile("FROM busybox", "WORKDIR /made") });
  const created = async (more: Partial<BuildOptions>) => (await build({ ...options, ...more })).config.created;
  assert.is(await created({}), "1980-01-01T00:00:00Z");
  assert.is(await created({ sourceDateEpoch: 86_400 }), "1970-01-02T00:00:00Z");
  assert.is(await created({ buildArgs: { SOURCE_DATE_EPOCH: "172800" } }), "1970-01-03T00:00:00Z");
  const failure = await build({ ...options, buildArgs: { SOURCE_DATE_EPOCH: "soon" } }).catch((error) => error);
  assert.instance(failure, BuildError);
  assert.is(failure.code, "INVALID_SOURCE_DATE_EPOCH");
});

test("two builds at once in one process share a store and run the same step once", async () => {
  const options = await optionsFor({ Dockerfile: dockerfile("FROM busybox", "RUN head -c 16 /dev/urandom > /random") });
  const [a, b] = await Promise.all([build(options), build(options)]);
  assert.is(a.descriptor.digest, b.descriptor.digest);
});

test("a failure names its code, place and exit code, and is a BuildError", async () => {
  const options = await optionsFor({ Dockerfile: dockerfile("FROM busybox", "RUN exit 9") });
  const failure = await build(options).catch((error) => error);
  assert.instance(failure, BuildError);
  assert.is(failure.code, "RUN_FAILED");
  assert.is(failure.exitCode, 9);
  assert.equal(failure.range?.start, { line: 2, column: 1 });
});

test("an image of the store is a base for the next build, without a registry", async () => {
  const first = await optionsFor({ Dockerfile: dockerfile("FROM busybox", "RUN echo base > /base") });
  await build({ ...first, tags: ["localhost:1/mine:1"] });
  const second = makeContext({ Dockerfile: dockerfile("FROM localhost:1/mine:1", "RUN grep base /base") });
  const { config } = await build({ context: second, store: first.store as string });
  assert.is(config.rootfs.diff_ids.length, 2);
});

test("a named context is a directory, with its own .dockerignore", async () => {
  const other = makeContext({ kept: "kept", left: "left", ".dockerignore": "left\n" });
  const dest = join(makeTempDir("out"), "tree");
  const options = await optionsFor({ Dockerfile: dockerfile("FROM scratch", "COPY --from=other . /") });
  await build({ ...options, buildContexts: { other }, outputs: [{ type: "local", dest }] });
  assert.ok(existsSync(join(dest, "kept")));
  assert.not.ok(existsSync(join(dest, "left")));
});

test("the context's faults are said before anything runs", async () => {
  const directory = makeContext({ "Dockerfile/a": "" });
  const table: readonly [Partial<BuildOptions>, string][] = [
    [{ context: "/no/such/directory" }, "CONTEXT_NOT_FOUND"],
    [{ context: makeTempDir("empty") }, "DOCKERFILE_NOT_FOUND"],
    [{ context: directory }, "DOCKERFILE_UNREADABLE"],
    [{ tags: ["Not A Name"] }, "INVALID_TAG"],
    [{ buildContexts: { x: "s3://bucket" } }, "INVALID_BUILD_CONTEXT"],
    [{ buildContexts: { x: "/no/such/directory" } }, "CONTEXT_NOT_FOUND"],
  ];
  const options = await optionsFor({ Dockerfile: dockerfile("FROM scratch", "WORKDIR /a") });
  for (const [more, code] of table) {
    const failure = await build({ ...options, ...more }).catch((error) => error);
    assert.instance(failure, BuildError, code);
    assert.is(failure.code, code);
  }
});

test.run();
