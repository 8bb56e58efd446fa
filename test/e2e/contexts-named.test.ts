import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { builtFiles } from "../helpers/built-files.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const named = suite("e2e: named contexts, targets and platforms");

const store = makeTempDir("store");
const empty = makeContext({});

function context(name: string, value: string): string[] {
  return ["--build-context", `${name}=${value}`];
}

function build(flags: readonly string[], ...lines: readonly string[]) {
  return builtFiles(store, ["-f", "-", ...flags, empty], { input: dockerfile(...lines) });
}

async function failure(flags: readonly string[], ...lines: readonly string[]): Promise<string> {
  const args = ["build", "--store", store, "-f", "-", ...flags, empty];
  const { code, stderr } = await tsbuild(args, { input: dockerfile(...lines) });
  assert.is.not(code, 0);
  return stderr;
}

named("a directory takes the place of a stage, of a base image and of an image that is copied from", async () => {
  const files = makeContext({ a: "mine" });
  const spellings = ["alpine", "alpine:latest", "docker.io/library/alpine", "docker.io/library/alpine:latest"];
  for (const [index, asked] of spellings.entries()) {
    const given = spellings[(index + 1) % spellings.length] ?? "";
    assert.equal(await build(context(given, files), `FROM ${asked}`), { a: "mine" });
  }
  const flags = context("deps", files);
  assert.equal(
    await build(flags, "FROM scratch AS deps", "COPY no-such-file /", "FROM scratch", "COPY --from=deps a /b"),
    { b: "mine" },
  );
  assert.equal(await build(flags, "FROM scratch AS deps", "COPY no-such-file /", "FROM deps"), { a: "mine" });
  assert.equal(await build(context("host.invalid/x:1", files), "FROM scratch", "COPY --from=host.invalid/x:1 / /"), {
    a: "mine",
  });
});

named("RUN --mount reads from a named context", async () => {
  const flags = [...context("src", makeContext({ a: "mine" })), ...(await busyboxFlags())];
  const lines = [
    "FROM busybox AS b",
    "RUN --mount=from=src,target=/src cp /src/a /out",
    "FROM scratch",
    "COPY --from=b /out /",
  ];
  assert.equal(await build(flags, ...lines), { out: "mine" });
});

named("a named context has its own .dockerignore, not that of the build context", async () => {
  const other = makeContext({ a: "a", b: "b", ".dockerignore": "b" });
  const main = makeContext({ ".dockerignore": "a", Dockerfile: dockerfile("FROM scratch", "COPY --from=other / /") });
  const files = await builtFiles(store, [...context("other", other), main]);
  assert.equal(files, { a: "a", ".dockerignore": "b" });
});

named("an OCI layout stands for an image, by tag, by digest, or alone", async () => {
  const layout = await baseImage("busybox");
  for (const address of [layout, `${layout}:latest`]) {
    const files = await build(
      context("busybox", `oci-layout://${address}`),
      "FROM scratch",
      "COPY --from=busybox /etc/passwd /p",
    );
    assert.match(files["p"] ?? "", /^root:/);
  }
});

named("docker-image://scratch is no image at all, and scratch itself cannot be replaced", async () => {
  const files = makeContext({ a: "a" });
  assert.equal(await build(context("base", "docker-image://scratch"), "FROM base", "COPY <<E /x", "x", "E"), {
    x: "x\n",
  });
  assert.equal(await build(context("scratch", files), "FROM scratch", "COPY <<E /x", "x", "E"), { x: "x\n" });
});

named("a context for one platform goes before the one for all", async () => {
  const flags = [
    ...context("base", makeContext({ any: "" })),
    ...context("base::linux/arm64", makeContext({ arm: "" })),
  ];
  assert.equal(await build([...flags, "--platform", "linux/arm64"], "FROM base"), { arm: "" });
  assert.equal(await build([...flags, "--platform", "linux/s390x"], "FROM base"), { any: "" });
  assert.equal(await build(flags, "FROM --platform=linux/arm64 base"), { arm: "" });
});

const refusals: readonly (readonly [name: string, flags: readonly string[], error: RegExp])[] = [
  [
    "an address of no known kind",
    context("x", "target:y"),
    /^error: unsupported context source target for x {2}\[INVALID_BUILD_CONTEXT\]$/m,
  ],
  ["a name in upper case", context("X", "/tmp"), /^error: invalid context name X: .*\[INVALID_BUILD_CONTEXT\]$/m],
  [
    "a directory that is not there",
    context("x", "no/such"),
    /^error: the build context x does not exist: no\/such {2}\[CONTEXT_NOT_FOUND\]$/m,
  ],
  [
    "a file",
    context("x", "/etc/hostname"),
    /^error: the build context x is not a directory: .*\[CONTEXT_NOT_FOUND\]$/m,
  ],
  ["no value", ["--build-context", "x"], /^error: .*\[INVALID_VALUE\]$/m],
];

for (const [name, flags, error] of refusals) {
  named(`${name} as a build context is one error`, async () => {
    const stderr = await failure(flags, "FROM scratch");
    assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.match(stderr, error);
  });
}

named("platform arguments follow --platform, and FROM --platform=$BUILDPLATFORM stays here", async () => {
  const lines = [
    "FROM --platform=$BUILDPLATFORM scratch",
    "ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT BUILDPLATFORM",
    "COPY <<E /platform",
    "$TARGETPLATFORM $TARGETOS $TARGETARCH $TARGETVARIANT $BUILDPLATFORM",
    "E",
  ];
  const own = process.arch === "x64" ? "linux/amd64" : "linux/arm64";
  const files = await build(["--platform", "linux/arm/v6"], ...lines);
  assert.is(files["platform"], `linux/arm/v6 linux arm v6 ${own}\n`);
  const env = { DOCKER_DEFAULT_PLATFORM: "linux/riscv64" };
  const options = { input: dockerfile(...lines), env };
  assert.is(
    (await builtFiles(store, ["-f", "-", empty], options))["platform"],
    `linux/riscv64 linux riscv64  ${own}\n`,
  );
});

named("a target is named in any case; what it does not need is not even looked for", async () => {
  const lines = ["FROM 127.0.0.1:1/no/such AS never", "FROM scratch AS Wanted", "COPY <<E /x", "x", "E", "FROM never"];
  assert.equal(await build(["--target", "wANTED"], ...lines), { x: "x\n" });
  const stderr = await failure(["--target", "1"], ...lines);
  assert.match(stderr, /^error: target stage "1" could not be found.*\[UNKNOWN_STAGE\]$/m);
  assert.match(stderr, /^hint: a target is a name: stage 1 is wanted$/m);
});

named("--no-cache-filter runs the steps of one stage again", async () => {
  const lines = [
    "FROM busybox AS one",
    "RUN echo one",
    "FROM one AS two",
    "RUN echo two",
    "FROM two",
    "RUN echo three",
  ];
  const flags = [...(await busyboxFlags()), "--progress", "plain"];
  const run = (...more: readonly string[]) =>
    tsbuildOk(["build", "--store", store, "-f", "-", ...flags, ...more, empty], { input: dockerfile(...lines) });
  const said = (stderr: string) =>
    ["one", "two", "three"].filter((word) => new RegExp(`^#\\d+ \\d\\S* ${word}$`, "m").test(stderr));
  await run();
  assert.equal(said((await run()).stderr), []);
  assert.equal(said((await run("--no-cache-filter", "TWO,other")).stderr), ["two", "three"]);
});

named("--add-host names a host in /etc/hosts of a RUN, and only there; its address is no part of the key", async () => {
  const lines = ["FROM busybox AS b", "RUN cp /etc/hosts /out", "FROM scratch", "COPY --from=b /out /"];
  const flags = await busyboxFlags();
  const first = await build([...flags, "--add-host", "db.test:10.1.2.3", "--add-host", "six=[fd00::1]"], ...lines);
  assert.match(first["out"] ?? "", /^10\.1\.2\.3\tdb\.test\nfd00::1\tsix\n/m);
  const moved = await build([...flags, "--add-host", "db.test:10.9.9.9", "--add-host", "six:fd00::2"], ...lines);
  assert.equal(moved, first);
  assert.not.match((await build(flags, ...lines))["out"] ?? "", /db\.test/);
});

named("a program of another platform is said to be one", async () => {
  const folder = makeContext({ Dockerfile: dockerfile("FROM scratch", "COPY --chmod=755 sh /bin/sh", "RUN true") });
  writeFileSync(join(folder, "sh"), foreignProgram());
  const { code, stderr } = await tsbuild(["build", "--store", store, folder]);
  assert.is(code, 126);
  assert.match(stderr, /^hint: the program is of another platform than this machine: /m);
});

/** An ELF executable of s390x with one empty segment. elf(5). */
function foreignProgram(): Buffer {
  const program = Buffer.alloc(120);
  program.write("\x7fELF\x02\x02\x01", "latin1");
  for (const [offset, value] of [
    [16, 2],
    [18, 22],
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const)
    program.writeUInt16BE(value, offset);
  program.writeUInt32BE(1, 20);
  program.writeBigUInt64BE(64n, 32);
  program.writeUInt32BE(1, 64);
  return program;
}

named.run();
