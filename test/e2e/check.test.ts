import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build, check, outline, targets } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser, WITHOUT_NAMESPACES } from "../helpers/ordinary-user.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("checks, outlines and targets");
const store = makeTempDir("store");
const flags = ["--store", store, ...(await busyboxFlags())];

function run(context: string, ...args: readonly string[]): Promise<CommandResult> {
  return tsbuild(["build", ...flags, ...args, "."], { cwd: context });
}

const CASED = dockerfile("FROM busybox AS Base", "FROM busybox", "ENV k v", "CMD x");

test("--check tells every warning in its place, by line, and ends with 1", async () => {
  const { code, stdout, stderr } = await run(makeContext({ Dockerfile: CASED }), "--check");
  assert.equal([code, stderr], [1, ""]);
  assert.is(
    stdout,
    `Check complete, 3 warnings have been found!

WARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/
Stage name 'Base' should be lowercase
Dockerfile:1
--------------------
   1 | >>> FROM busybox AS Base
   2 |     FROM busybox
   3 |     ENV k v
--------------------

WARNING: LegacyKeyValueFormat - https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
"ENV key=value" should be used instead of legacy "ENV key value" format
Dockerfile:3
--------------------
   1 |     FROM busybox AS Base
   2 |     FROM busybox
   3 | >>> ENV k v
   4 |     CMD x
   5 |     
--------------------

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:4
--------------------
   2 |     FROM busybox
   3 |     ENV k v
   4 | >>> CMD x
   5 |     
--------------------
`,
  );
});

test("a check builds nothing, and without warnings ends with 0", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN touch /ran", "COPY missing /") });
  for (const args of [["--check"], ["--call=lint", "--output", "type=local,dest=out"]]) {
    const { code, stdout, stderr } = await run(context, ...args);
    assert.equal([code, stdout, stderr], [0, "Check complete, no warnings found.\n", ""]);
  }
  assert.not(existsSync(join(context, "out")));
});

test("one warning is one warning, and its exit code can be ignored", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k v") });
  const { code, stdout } = await run(context, "--call=check,ignorestatus=true");
  assert.is(code, 0);
  assert.match(stdout, /^Check complete, 1 warning has been found!\n\nWARNING: LegacyKeyValueFormat /);
});

test("without a target every stage is checked, with one only what it needs", async () => {
  const context = makeContext({
    Dockerfile: dockerfile("FROM busybox AS one", "ENV k v", "FROM busybox AS two", "ENV l=w"),
  });
  assert.is((await run(context, "--check")).code, 1);
  assert.equal((await run(context, "--check", "--target=two")).stdout, "Check complete, no warnings found.\n");
});

test("an error goes to standard error in its place, after the warnings before it", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox AS Base", "RUNN x") });
  const { code, stdout, stderr } = await run(context, "--check");
  assert.is(code, 1);
  assert.match(stdout, /^Check complete, 1 warning has been found!\n[\s\S]*Stage name 'Base'[\s\S]*-{20}\n\n$/);
  assert.match(
    stderr,
    /^error: dockerfile parse error on line 2: unknown instruction: RUNN {2}\[UNKNOWN_INSTRUCTION\]\n/,
  );
  assert.match(stderr, "hint: did you mean RUN?");
});

test("a check as JSON has rules, lines, the Dockerfile and the error", async () => {
  const text = dockerfile("FROM busybox AS Base", "RUN a \\", "  && b", "ENV k=$x<y \\", "  z=1", "RUNN x");
  const { code, stdout } = await run(makeContext({ Dockerfile: text }), "--call=check,format=json");
  assert.is(code, 1);
  const line = (number: number) => ({ start: { line: number }, end: { line: number } });
  assert.equal(JSON.parse(stdout), {
    warnings: [
      {
        ruleName: "StageNameCasing",
        description: "Stage names should be lowercase",
        url: "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
        detail: "Stage name 'Base' should be lowercase",
        location: { ranges: [line(1)] },
      },
    ],
    sources: [{ filename: "Dockerfile", data: Buffer.from(text).toString("base64"), language: "Dockerfile" }],
    buildError: {
      message: "dockerfile parse error on line 6: unknown instruction: RUNN (did you mean RUN?)",
      location: { ranges: [line(6)] },
    },
  });
});

test("lines of an instruction are ranges of their own, as BuildKit has them", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k=$x<y \\", "  z=1") });
  const { stdout } = await run(context, "--call=check,format=json");
  const { warnings } = JSON.parse(stdout) as { warnings: { location: object }[] };
  assert.equal(
    warnings.map(({ location }) => location),
    [{ ranges: [2, 3].map((line) => ({ start: { line }, end: { line } })) }],
  );
});

const OUTLINED = dockerfile(
  "# VERSION the version that is built",
  "ARG VERSION=1.0",
  "ARG SUFFIX=x",
  "ARG FULL=$VERSION-$SUFFIX",
  "ARG UNUSED=1",
  "FROM busybox AS tools",
  "ARG TOOL=hammer",
  "RUN --mount=type=secret,id=token --mount=type=ssh true",
  "FROM busybox AS unneeded",
  "ARG NOT=1",
  "# app the application",
  "FROM busybox AS App",
  "ARG FULL",
  "# MODE how to build",
  "ARG MODE",
  "ARG TARGETARCH",
  "ARG DERIVED=$FULL/$MODE",
  "RUN --mount=type=secret,target=/run/secrets/key,required true",
  "COPY --from=tools /bin/sh /sh",
);

test("--call=outline lists what the target can be given", async () => {
  const { code, stdout, stderr } = await run(makeContext({ Dockerfile: OUTLINED }), "--call=outline");
  assert.equal([code, stderr], [0, ""]);
  const rows = [
    "TARGET:      app",
    "DESCRIPTION: the application",
    "",
    "BUILD ARG   VALUE    DESCRIPTION",
    "VERSION     1.0      the version that is built",
    "SUFFIX      x        ",
    "FULL        1.0-x    ",
    "TOOL        hammer   ",
    "MODE                 how to build",
    "DERIVED     1.0-x/   ",
    "",
    "SECRET   REQUIRED",
    "token    ",
    "key      true",
    "",
    "SSH       REQUIRED",
    "default   ",
    "",
    "",
  ];
  assert.is(stdout, rows.join("\n"));
});

test("an outline has the values that the build would have", async () => {
  const context = makeContext({ Dockerfile: OUTLINED });
  const args = ["--target=tools", "--build-arg", "TOOL=saw", "--call=outline,format=json"];
  const { stdout } = await run(context, ...args);
  const line = (number: number) => ({ ranges: [{ start: { line: number }, end: { line: number } }] });
  assert.equal(JSON.parse(stdout), {
    name: "tools",
    args: [{ name: "TOOL", value: "saw", location: line(7) }],
    secrets: [{ name: "token", location: line(8) }],
    ssh: [{ name: "default", location: line(8) }],
    sources: [Buffer.from(OUTLINED).toString("base64")],
  });
});

test("--call=targets lists the stages, their bases and the default", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "ARG B=busybox",
      "# base what all are made from",
      "FROM --platform=$BUILDPLATFORM $B AS Base",
      "FROM base",
      "FROM base AS app",
    ),
  });
  const { code, stdout } = await run(context, "--call=targets");
  assert.equal(
    [code, stdout],
    [0, "TARGET        DESCRIPTION\nbase          what all are made from\n              \napp (default) \n"],
  );
  const json = JSON.parse((await run(context, "--call=targets,format=json")).stdout) as { targets: object[] };
  const line = (number: number) => ({ ranges: [{ start: { line: number }, end: { line: number } }] });
  assert.equal(json.targets, [
    {
      name: "base",
      description: "what all are made from",
      base: "$B",
      platform: "$BUILDPLATFORM",
      location: line(3),
    },
    { base: "base", location: line(4) },
    { name: "app", default: true, base: "base", location: line(5) },
  ]);
});

test("a build tells its warnings at its end, a line each", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k v", "RUN true") });
  const { code, stderr } = await run(context, "--progress=plain");
  assert.is(code, 0);
  assert.match(
    stderr,
    `
 1 warning found (--check shows the lines):
 - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 2)
`,
  );
});

test("with error=true a build ends before its first step", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k v", "RUN true") });
  const { code, stderr } = await run(
    context,
    "--progress=plain",
    "--build-arg",
    "BUILDKIT_DOCKERFILE_CHECK=error=true",
  );
  assert.is(code, 1);
  assert.match(stderr, "1 warning found (--check shows the lines):");
  assert.match(stderr, "error: lint violation found for rules: LegacyKeyValueFormat  [LINT_VIOLATION]");
  assert.not.match(stderr, "RUN true\n#");
});

test("control characters of a Dockerfile do not reach the terminal", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k \u001b[31mv") });
  const { stdout } = await run(context, "--check");
  assert.match(stdout, "2 | >>> ENV k \ufffd[31mv");
  assert.not.match(stdout, "\u001b");
});

test("an ordinary user checks also where no user namespace is to be had", async () => {
  const user = new OrdinaryUser(WITHOUT_NAMESPACES);
  const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM scratch", "ENV k v") }));
  const { code, stdout, stderr } = await user.tsbuild(["build", "--check", context]);
  assert.equal([code, stderr], [1, ""]);
  assert.match(stdout, "Check complete, 1 warning has been found!");
  assert.match((await user.tsbuild(["build", context])).stderr, "[ROOTLESS_UNAVAILABLE]");
});

test("a check says nothing of ids that a build would lack", async () => {
  const user = new OrdinaryUser({ subordinateIds: "" });
  const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM scratch", "ENV k v") }));
  assert.is((await user.tsbuild(["build", "--check", context])).stderr, "");
});

test("the library answers the same, typed", async () => {
  const buildContexts = { busybox: `oci-layout://${await baseImage("busybox")}:latest` };
  const options = { context: makeContext({ Dockerfile: OUTLINED, a: "" }), store, buildContexts };
  const checked = await check({ ...options, target: "tools" });
  assert.equal([checked.error, checked.warnings.map(({ rule }) => rule)], [undefined, ["StageNameCasing"]]);
  assert.equal(
    (await outline(options)).args.map(({ name, value }) => [name, value]),
    [
      ["VERSION", "1.0"],
      ["SUFFIX", "x"],
      ["FULL", "1.0-x"],
      ["TOOL", "hammer"],
      ["MODE", undefined],
      ["DERIVED", "1.0-x/"],
    ],
  );
  assert.equal(
    (await targets(options)).targets.map(({ name, isDefault }) => [name, isDefault]),
    [
      ["tools", false],
      ["unneeded", false],
      ["app", true],
    ],
  );
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "ENV k v") });
  const { warnings } = await build({ context, store, buildContexts });
  assert.equal(
    warnings.map(({ code, range }) => [code, range?.start.line]),
    [["LegacyKeyValueFormat", 2]],
  );
});

test.run();
