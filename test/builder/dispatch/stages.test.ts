import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ResolvedImage } from "../../../builder/dispatch/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { openLinter } from "../../../builder/lint/index.ts";
import { createVertex, edge } from "../../../builder/llb/index.ts";
import { config, failureOf, image, ops, run, textAt, vertices } from "./harness.ts";

const test = suite("stages");

test("only what the target needs is built", async () => {
  const text = "FROM a AS one\nRUN 1\nFROM b AS two\nRUN 2\nFROM one AS three\nRUN 3\n";
  assert.equal(
    (await vertices(text)).map(({ name }) => name.replace(/@.*/, "")),
    ["[one 1/2] FROM docker.io/library/a:latest", "[one 2/2] RUN 1", "[three 1/1] RUN 3"],
  );
});

test("images that the target does not need are not resolved", async () => {
  const asked: string[] = [];
  await run("FROM a AS one\nFROM b\n", {
    target: "ONE",
    resolveImage: async (name) => {
      asked.push(name);
      return image(name);
    },
  });
  assert.equal(asked, ["a"]);
});

test("base images are asked for at once", async () => {
  const asked: string[] = [];
  await run("FROM a AS x\nFROM b AS y\nCOPY --from=c / /\nFROM d\nCOPY --from=x / /\nCOPY --from=y / /\n", {
    resolveImage: async (name) => {
      asked.push(name);
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.is(asked.length, 4);
      return image(name);
    },
  });
});

test("a named context stands for an image, and for a whole stage", async () => {
  const namedContexts = {
    base: { type: "image" as const, resolve: async () => image("other", { User: "base" }) },
    busybox: { type: "image" as const, resolve: async () => image("mine", { User: "mine" }) },
  };
  assert.is((await config("FROM docker.io/library/busybox:latest\n", { namedContexts })).User, "mine");
  const replaced = await run("FROM missing AS base\nRUN never\nFROM base\nRUN x\n", { namedContexts });
  assert.is(replaced.image.config.User, "base");
  assert.is((await ops("exec", "FROM missing AS base\nRUN never\nFROM base\nRUN x\n", { namedContexts })).length, 1);
});

test("a named context is found by the platform of its FROM, then by its name alone", async () => {
  const user = (name: string) => ({ type: "image" as const, resolve: async () => image("other", { User: name }) });
  const namedContexts = {
    "base::linux/arm64": user("arm"),
    base: user("any"),
    Scratch: user("no"),
    context: user("no"),
  };
  assert.is((await config("FROM base\n", { namedContexts })).User, "any");
  assert.is((await config("FROM --platform=arm64 base\n", { namedContexts })).User, "arm");
  assert.is((await config("FROM --platform=arm64 x AS base\nRUN never\n", { namedContexts })).User, "arm");
  assert.is((await config("FROM scratch AS context\n", { namedContexts })).User, undefined);
});

test("what was fetched is read where it is named, as a base, by COPY and as the build context", async () => {
  const root = edge(
    createVertex({ type: "http", url: "http://x/y", filename: "context" }, [], { name: "[context u]" }),
  );
  const files = { root, ignore: [] } as const;
  const text = "FROM u\nCOPY --from=u a /\nCOPY b /\n";
  const all = await vertices(text, { namedContexts: { u: { type: "fetched", ...files } }, context: files });
  assert.is(all.filter(({ op }) => op.type === "http").length, 1);
  assert.equal(all.find(({ op }) => op.type === "http")?.range?.start, { line: 1, column: 6 });
});

test("--no-cache-filter is for the steps of the stages it names", async () => {
  const text = "FROM a AS one\nRUN 1\nFROM one AS two\nRUN 2\nFROM two\nRUN 3\n";
  const all = await vertices(text, { noCacheStages: new Set(["two"]) });
  assert.equal(
    all.filter(({ ignoreCache }) => ignoreCache === true).map(({ name }) => name),
    ["[two 1/1] RUN 2"],
  );
});

test("a target that is an index is told the name of that stage", async () => {
  const error = await failureOf("FROM a AS one\nFROM b\n", { target: "0" });
  assert.is(error.hint, "a target is a name: stage 0 is one");
  assert.match((await failureOf("FROM a AS one\nFROM b\n", { target: "1" })).hint ?? "", /add "AS name"/);
});

test("a directory as a base is one layer over scratch", async () => {
  const namedContexts = { base: { type: "local" as const, path: "/files", ignore: [] } };
  const { image, target } = await run("FROM base\n", { namedContexts });
  assert.equal(
    target.vertex.inputs.map(({ vertex }) => vertex.op.type),
    ["scratch", "local"],
  );
  assert.is(image.history.filter((row) => row.empty_layer !== true).length, 1);
});

test("a stage that is alone has no name in progress, others are counted", async () => {
  assert.equal(
    (await vertices("FROM scratch\nWORKDIR /a\nWORKDIR /b\n")).map(({ name }) => name),
    ["[internal] empty root", "[1/2] WORKDIR /a", "[2/2] WORKDIR /b"],
  );
  assert.equal((await vertices("FROM a\nFROM b\nRUN x\n")).at(-1)?.name, "[stage-1 2/2] RUN x");
});

test("step numbers are as wide as the total", async () => {
  const text = `FROM scratch\n${"RUN x\n".repeat(10)}`;
  assert.equal((await vertices(text)).at(1)?.name, "[ 1/10] RUN x");
});

test("a child stage has the config, ARGs and files of its parent", async () => {
  const text = 'FROM a AS p\nARG V=1\nENV E=2\nWORKDIR /w\nCMD x\nFROM p\nENTRYPOINT ["e"]\nRUN $V\n';
  const result = await run(text);
  assert.equal(result.image.config.Env, ["PATH=/usr/bin:/bin", "E=2"]);
  assert.is(result.image.config.WorkingDir, "/w");
  assert.is(result.image.config.Cmd, undefined, "CMD of the parent was for another ENTRYPOINT");
  assert.is(result.image.history.at(-1)?.created_by, "RUN |1 V=1 /bin/sh -c $V # buildkit");
  assert.is(result.image.baseLayerCount, 1);
});

test("ONBUILD runs in the child, before its instructions, and is not inherited further", async () => {
  const resolveImage = async (name: string) => image(name, { OnBuild: ["RUN trigger", "ENV A=1"] });
  const result = await run("FROM node:onbuild\nRUN own\n", { resolveImage });
  assert.equal(
    result.image.history.slice(result.image.baseHistory).map((row) => row.created_by),
    ["RUN /bin/sh -c trigger # buildkit", "ENV A=1", "RUN /bin/sh -c own # buildkit"],
  );
  assert.is(result.image.config.OnBuild, undefined);
  const names = (await vertices("FROM node:onbuild\nRUN own\n", { resolveImage })).map(({ name }) => name);
  assert.equal(names.slice(1), ["[2/3] ONBUILD RUN trigger", "[3/3] RUN own"]);
});

test("an ONBUILD trigger may copy from a stage that nothing else needs", async () => {
  const resolveImage = async (name: string) => image(name, name === "b" ? { OnBuild: ["COPY --from=one /x /y"] } : {});
  const execs = await ops("exec", "FROM a AS one\nRUN 1\nFROM b\n", { resolveImage });
  assert.is(execs.length, 1);
});

test("a trigger that does not parse fails at the FROM that runs it", async () => {
  const resolveImage = async (name: string) => image(name, { OnBuild: ["NOPE x"] });
  const error = await failureOf("FROM a\n", { resolveImage });
  assert.is(error.code, "UNKNOWN_INSTRUCTION");
  assert.is(error.range?.start.line, 1);
});

test("platform arguments are there for FROM, and for a stage that asks", async () => {
  const asked: string[] = [];
  const resolveImage = async (name: string) => {
    asked.push(name);
    return image(name);
  };
  const text =
    "ARG TARGETARCH\nFROM base-$TARGETARCH AS t\nARG TARGETPLATFORM\nARG TARGETSTAGE\nENV A=$TARGETPLATFORM B=$TARGETSTAGE\n";
  const { Env } = await config(text, { resolveImage });
  assert.equal(asked, ["base-amd64"]);
  assert.equal(Env?.slice(-2), ["A=linux/amd64", "B=t"]);
});

test("an image of another platform gives a warning", async () => {
  const resolveImage = async (name: string) => image(name, {}, { architecture: "arm64" });
  const linter = openLinter({ file: "Dockerfile", text: "" }, {});
  await run("FROM a\n", { resolveImage, linter });
  assert.equal(
    linter.warnings.map(({ message }) => message),
    ['Base image a was pulled with platform "linux/arm64", expected "linux/amd64" for current build'],
  );
});

test("base history is made to fit the base's layers", async () => {
  const history = [{ created_by: "one" }, { created_by: "two" }];
  const resolveImage = async (name: string) => image(name, {}, { history });
  const { image: draft } = await run("FROM a\nRUN x\n", { resolveImage });
  assert.equal(
    draft.history.map((row) => row.empty_layer ?? false),
    [false, true, false],
  );
  assert.is(draft.baseHistory, 2);
});

const errors: readonly (readonly [code: string, at: string, text: string, message: string])[] = [
  [
    "UNKNOWN_STAGE",
    "FROM a AS build",
    "FROM a AS build\n",
    'target stage "biuld" could not be found (did you mean build?)',
  ],
  [
    "CIRCULAR_STAGE",
    "x",
    "FROM a AS x\nCOPY --from=y / /\nFROM a AS y\nCOPY --from=x / /\n",
    "circular dependency detected on stage: x",
  ],
  [
    "STAGE_NOT_DEFINED_YET",
    "y",
    "FROM a AS x\nCOPY --from=y / /\nFROM a AS y\n",
    'cannot copy from stage "y", it needs to be defined before current stage "x"',
  ],
  ["INVALID_STAGE_INDEX", "7", "FROM a\nCOPY --from=7 / /\n", "invalid stage index 7"],
  ["INVALID_PLATFORM", "$NO", "FROM --platform=$NO a\n", "empty platform value from expression $NO"],
  [
    "INVALID_PLATFORM",
    "linus",
    "FROM --platform=linus a\n",
    'failed to parse platform linus: "linus": unknown operating system or architecture: invalid argument',
  ],
  ["BASE_IMAGE_NOT_FOUND", "missing", "FROM missing\n", "cannot resolve missing"],
  ["BASE_IMAGE_NOT_FOUND", "missing", "FROM a AS missin\nFROM b\nCOPY --from=missing / /\n", "cannot resolve missing"],
];

for (const [code, at, text, message] of errors) {
  test(`${JSON.stringify(text)} gives ${code} at ${at}`, async () => {
    const target = code === "UNKNOWN_STAGE" ? "biuld" : text.includes("AS y") ? "x" : undefined;
    const error = await failureOf(text, target === undefined ? {} : { target });
    assert.is(error.message, message);
    assert.is(error.code, code);
    assert.is(textAt(error), at);
  });
}

test("an image that is nearly a stage gets the stage as a hint", async () => {
  const nearly = await failureOf("FROM a AS missin\nFROM b\nCOPY --from=missing / /\n");
  assert.is(nearly.hint, "did you mean the stage missin?");
  const cased = await failureOf("FROM a AS base\nFROM Base\n");
  assert.is(cased.hint, "did you mean the stage base?");
  const offline = await failureOf("FROM a AS base\nFROM bases\n", { resolveImage: unreachable });
  assert.is(offline.hint, "check the network; or did you mean the stage base?");
});

async function unreachable(reference: string): Promise<ResolvedImage> {
  if (reference === "a") return image(reference);
  throw new BuildError("REGISTRY_UNREACHABLE", "no answer", { hint: "check the network" });
}

test("5 000 stages in a chain are dispatched", async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `FROM ${i === 0 ? "scratch" : `s${i - 1}`} AS s${i}`);
  assert.is((await run(lines.join("\n"))).stages.length, 5000);
});

test("an aborted build stops with the signal's reason", async () => {
  const reason = new Error("stop");
  try {
    await run("FROM a\n", { signal: AbortSignal.abort(reason) });
    assert.unreachable();
  } catch (error) {
    assert.is(error, reason);
  }
});

test.run();
