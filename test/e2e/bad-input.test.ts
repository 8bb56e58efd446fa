import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { storeProblems, taggedDigest } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const badInput = suite("e2e: bad input");

interface BadInput {
  readonly name: string;
  readonly lines: readonly string[];
  readonly code: string;
  /** Default 1. */
  readonly exitCode?: number;
  /** `line:column`, and what the carets stand under. */
  readonly at: string;
  readonly carets: string;
  /** Default: any. */
  readonly hint?: RegExp;
  readonly flags?: readonly string[];
}

const TABLE: readonly BadInput[] = [
  {
    name: "an unknown instruction",
    lines: ["FROM busybox", "RUNN echo"],
    code: "UNKNOWN_INSTRUCTION",
    at: "2:1",
    carets: "RUNN",
    hint: /did you mean RUN/,
  },
  {
    name: "a COPY source that is not there",
    lines: ["FROM busybox", "WORKDIR /app", "COPY package.json package-lock.jsn ./"],
    code: "COPY_SOURCE_NOT_FOUND",
    at: "3:19",
    carets: "package-lock.jsn",
    hint: /did you mean package-lock\.json/,
  },
  {
    name: "a RUN that fails, by its own exit code",
    lines: ["FROM busybox", "RUN echo before && exit 7"],
    code: "RUN_FAILED",
    exitCode: 7,
    at: "2:1",
    carets: "RUN echo before && exit 7",
  },
  {
    name: "a RUN in want of a name without a network",
    lines: ["FROM busybox", "RUN --network=none wget -q http://example.com/"],
    code: "RUN_FAILED",
    at: "2:1",
    carets: "RUN --network=none wget -q http://example.com/",
    hint: /this step was given no network: .*--network=none/,
  },
  {
    name: "a base image that no registry has",
    lines: ["FROM 127.0.0.1:1/no/such:image"],
    code: "REGISTRY_UNREACHABLE",
    at: "1:6",
    carets: "127.0.0.1:1/no/such:image",
  },
];

const FILES = { "package.json": "{}\n", "package-lock.json": "{}\n" };
const store = makeTempDir("store");

async function build(context: string, ...flags: readonly string[]) {
  return tsbuild([
    "build",
    "--store",
    store,
    "--tag",
    "example.com/kept:1",
    ...(await busyboxFlags()),
    ...flags,
    context,
  ]);
}

async function keptDigest(): Promise<string | undefined> {
  const good = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN echo good > /good") });
  await tsbuildOk(["build", "--store", store, "--tag", "example.com/kept:1", ...(await busyboxFlags()), good]);
  return taggedDigest(store, "example.com/kept:1");
}

for (const { name, lines, code, exitCode = 1, at, carets, hint = /./, flags = [] } of TABLE) {
  badInput(`${name} is one error with its code, its place and a hint; the tag keeps its image`, async () => {
    const kept = await keptDigest();
    const context = makeContext({ ...FILES, Dockerfile: dockerfile(...lines) });
    const { code: ended, stdout, stderr } = await build(context, ...flags);
    assert.is(ended, exitCode, stderr);
    assert.is(stdout, "");
    assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.match(stderr, new RegExp(`^error: .*\\[${code}\\]$`, "m"));
    assert.ok(stderr.includes(`┌─ Dockerfile:${at}\n`), stderr);
    assert.match(stderr, new RegExp(`│ +\\^{${carets.length}}$`, "m"));
    assert.match(stderr, new RegExp(`^hint: .*${hint.source}`, "m"));
    assert.ok(kept !== undefined);
    assert.is(taggedDigest(store, "example.com/kept:1"), kept);
    assert.equal(storeProblems(store), []);
  });
}

badInput("an unknown --target names the stages there are", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox AS compile", "FROM scratch AS final") });
  const { code, stderr } = await build(context, "--target", "compil");
  assert.is(code, 1);
  assert.match(stderr, /^error: .*\[UNKNOWN_STAGE\]$/m);
  assert.match(stderr, /^hint: .*compile/m);
});

badInput("a Dockerfile that is a directory, or missing, is said to be so", async () => {
  const context = makeContext(FILES);
  assert.match((await build(context)).stderr, /^error: .*\[DOCKERFILE_NOT_FOUND\]$/m);
  mkdirSync(join(context, "Dockerfile"));
  const { code, stderr } = await build(context);
  assert.is(code, 1);
  assert.match(stderr, /^error: .*directory.*\[DOCKERFILE_UNREADABLE\]$/m);
});

badInput("a link to itself is an error where it is copied, and in the way of nothing else", async () => {
  const context = makeContext({ ...FILES, Dockerfile: dockerfile("FROM busybox", "COPY package.jsn loop /x/") });
  symlinkSync("loop", join(context, "loop"));
  const missing = await build(context);
  assert.match(missing.stderr, /^error: COPY source not found: package\.jsn {2}\[COPY_SOURCE_NOT_FOUND\]$/m);
  assert.match(missing.stderr, /^hint: did you mean package\.json\?$/m);
  writeFileSync(join(context, "Dockerfile"), dockerfile("FROM busybox", "COPY package.json loop /x/"));
  const looping = await build(context);
  assert.match(looping.stderr, /^error: .*\/loop: Too many levels of symbolic links/m);
  assert.match(looping.stderr, /^ +┌─ Dockerfile:2:19$/m);
});

badInput("an unknown flag is a usage error with the nearest flag", async () => {
  const { code, stderr } = await tsbuild(["build", "--taget", "final", "."]);
  assert.is(code, 2);
  assert.match(stderr, /did you mean --target/);
});

badInput("a failed step's whole log is shown in quiet mode too", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN seq 1 500; echo to-stderr >&2; exit 3") });
  const { code, stdout, stderr } = await build(context, "--quiet");
  assert.is(code, 3);
  assert.is(stdout, "");
  for (const line of ["1", "250", "500", "to-stderr"]) assert.match(stderr, new RegExp(`(^| )${line}$`, "m"));
});

badInput.run();
