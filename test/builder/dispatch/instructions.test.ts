import { suite } from "uvu";
import * as assert from "uvu/assert";
import { config, failureOf, history, image, ops, run, textAt, vertices } from "./harness.ts";

const test = suite("instructions");

// RUN

test("RUN has the image's environment, then ARGs; proxies stand apart and leave no trace", async () => {
  const text = "FROM a\nARG V=1\nENV E=2\nRUN x\n";
  const buildArgs = { http_proxy: "http://p", NO_PROXY: "local" };
  const [exec] = await ops("exec", text, { buildArgs });
  assert.equal(exec?.env, ["PATH=/usr/bin:/bin", "V=1", "E=2"]);
  assert.equal(exec?.proxyEnv, ["HTTP_PROXY=http://p", "http_proxy=http://p", "NO_PROXY=local", "no_proxy=local"]);
  assert.equal((await history(text, { buildArgs })).at(-1), "RUN |1 V=1 /bin/sh -c x # buildkit");
  assert.equal((await run(text, { buildArgs })).warnings, []);
});

test("a proxy argument that ARG declares is an ordinary one", async () => {
  const rows = await history("FROM a\nARG HTTP_PROXY\nRUN x\n", { buildArgs: { HTTP_PROXY: "p" } });
  assert.equal(rows, ["ARG HTTP_PROXY=p", "RUN |1 HTTP_PROXY=p /bin/sh -c x # buildkit"]);
});

test("SHELL is for the shell forms after it", async () => {
  const rows = await history('FROM a\nSHELL ["/bin/bash", "-ec"]\nRUN x\nRUN ["y"]\nCMD z\n');
  assert.equal(rows, [
    "SHELL [/bin/bash -ec]",
    "RUN /bin/bash -ec x # buildkit",
    "RUN y # buildkit",
    'CMD ["/bin/bash" "-ec" "z"]',
  ]);
});

for (const mode of ["none", "host", "default"] as const) {
  test(`RUN --network=${mode} is kept`, async () => {
    assert.is((await ops("exec", `FROM a\nRUN --network=${mode} x\n`))[0]?.network, mode);
  });
}

test("a script given as a heredoc is mounted, not written to the layer", async () => {
  const text = "FROM a\nRUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF\n";
  const [exec] = await ops("exec", text);
  assert.equal(exec?.argv, ["/bin/sh", "-c", "/dev/pipes/EOF"]);
  assert.equal(exec?.mounts, [{ type: "bind", input: 1, source: "/", target: "/dev/pipes", readonly: true }]);
  const last = (await vertices(text)).at(-1);
  assert.is(last?.name, "[2/2] RUN <<EOF (#!/usr/bin/env python3...)");
  assert.equal(last?.inputs[1]?.vertex.op, {
    type: "file",
    actions: [{ type: "mkfile", path: "/EOF", mode: 0o755, data: "#!/usr/bin/env python3\nprint(1)\n" }],
  });
});

test("the name of the sandbox's host can be given", async () => {
  const text = "FROM a\nRUN x\n";
  assert.is((await ops("exec", text))[0]?.hostname, "buildkitsandbox");
  assert.is((await ops("exec", text, { hostname: "h" }))[0]?.hostname, "h");
  assert.is((await ops("exec", text, { buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: "b" } }))[0]?.hostname, "b");
});

test("a vertex's name shows the variables that are set", async () => {
  const text = 'FROM a\nARG V=1\nrun   echo "$V" $NOT_SET\n';
  assert.is((await vertices(text)).at(-1)?.name, '[2/2] RUN   echo "1" $NOT_SET');
});

test("--no-cache holds for RUN and COPY, not for WORKDIR and FROM", async () => {
  const all = await vertices("FROM a\nWORKDIR /w\nRUN x\nCOPY a /\n", { noCache: true });
  assert.equal(
    all.map(({ op, ignoreCache }) => [op.type, ignoreCache ?? false]),
    [
      ["image", false],
      ["file", false],
      ["exec", true],
      ["local", false],
      ["file", true],
    ],
  );
});

// WORKDIR, USER and the rest of the config

test("WORKDIR is made for the current USER, and is no layer when it is the root", async () => {
  const { image: draft } = await run("FROM a\nUSER app\nWORKDIR /w\nWORKDIR x\nWORKDIR /\n");
  const rows = draft.history.slice(draft.baseHistory).map((row) => [row.created_by, row.empty_layer ?? false]);
  assert.equal(rows, [
    ["USER app", true],
    ["WORKDIR /w", false],
    ["WORKDIR /w/x", false],
    ["WORKDIR /", true],
  ]);
  const [file] = await ops("file", "FROM a\nUSER app\nWORKDIR /w\n");
  assert.equal(file?.actions, [{ type: "mkdir", path: "/w", mode: 0o755, owner: "app" }]);
});

test("scratch has a PATH and the root as its working directory", async () => {
  const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  assert.equal(await config("FROM scratch\n"), { WorkingDir: "/", Env: [PATH] });
});

test("ENV replaces in place and does not touch an ARG's history value", async () => {
  const { Env } = await config("FROM a\nENV A=1 B=2\nENV A=3\n");
  assert.equal(Env, ["PATH=/usr/bin:/bin", "A=3", "B=2"]);
});

test("the last writer of ENV and ARG is what RUN sees; a child stage sees ENV again", async () => {
  const text = "FROM a AS p\nENV V=e\nARG V=a\nRUN 1\nFROM p\nRUN 2\n";
  const execs = await ops("exec", text);
  assert.equal(
    execs.map(({ env }) => env.at(-1)),
    ["V=a", "V=e"],
  );
});

test("RUN sees the variables in the order in which they were set last", async () => {
  const env = async (text: string) => (await ops("exec", text)).at(-1)?.env.map((row) => row.split("=")[0]);
  assert.equal(await env("FROM a\nENV A=1 B=2\nARG C=3\nENV A=4\nRUN x\n"), ["PATH", "B", "C", "A"]);
  assert.equal(await env("FROM a AS p\nARG C=3\nENV A=1\nFROM p\nRUN x\n"), ["C", "PATH", "A"]);
});

test("an ARG takes --build-arg, its default, the global value, or nothing", async () => {
  const text = "ARG G=global\nFROM a\nARG G\nARG D=default\nARG B=default\nARG U\nRUN x\n";
  const rows = await history(text, { buildArgs: { B: "given" } });
  assert.equal(rows, [
    "ARG G=global",
    "ARG D=default",
    "ARG B=given",
    "ARG U",
    "RUN |4 G=global D=default B=given U= /bin/sh -c x # buildkit",
  ]);
});

test("build arguments that no ARG takes give one warning", async () => {
  const { warnings } = await run("FROM a\nARG A\n", { buildArgs: { A: "1", X: "2", Y: "3" } });
  assert.equal(warnings, [{ code: "UNUSED_BUILD_ARG", message: "One or more build-args [X Y] were not consumed" }]);
});

for (const [frontend, isOwn] of [
  ["docker/dockerfile:1.7-labs", true],
  ["docker.io/docker/dockerfile-upstream@sha256:0", true],
  ["dockerfile.v0", true],
  ["example.org/docker/dockerfile:1", false],
  ["docker/dockerfiles", false],
] as const) {
  test(`the frontend ${frontend} ${isOwn ? "is this one" : "is not used, and a warning says so"}`, async () => {
    const { warnings } = await run(`# syntax=${frontend}\nFROM a\n`);
    assert.equal(
      warnings.map(({ code, range }) => [code, range?.start.line]),
      isOwn ? [] : [["FRONTEND_IGNORED", 1]],
    );
    const buildArgs = { BUILDKIT_SYNTAX: frontend };
    assert.is((await run("# syntax=x/y\nFROM a\n", { buildArgs })).warnings.length, isOwn ? 0 : 1);
  });
}

test("--label wins over LABEL and has no row", async () => {
  const text = "FROM a\nLABEL a=1 b=2\n";
  assert.equal((await config(text, { labels: { b: "3" } })).Labels, { a: "1", b: "3" });
  assert.equal(await history(text, { labels: { b: "3" } }), ["LABEL a=1 b=2"]);
});

test("EXPOSE takes ranges and protocols in sorted order", async () => {
  assert.equal(await history("FROM a\nEXPOSE 9000-9002/UDP 80 1.2.3.4:81:82/sctp\n"), [
    "EXPOSE [82/sctp 80/tcp 9000/udp 9001/udp 9002/udp]",
  ]);
});

for (const [spec, ports] of [
  ["80", "80/tcp"],
  ["+80/", "80/tcp"],
  ["0-2/SCTP", "0/sctp 1/sctp 2/sctp"],
  ["7-7", "7/tcp"],
  ["8080:80", "80/tcp"],
  ["8000-8010:80", "80/tcp"],
  ["8000-8001:80-81/udp", "80/udp 81/udp"],
  ["127.0.0.1::80", "80/tcp"],
  ["[::1]:81:80", "80/tcp"],
  ["::1:81:80", "80/tcp"],
] as const) {
  test(`EXPOSE ${spec}`, async () => {
    assert.is(Object.keys((await config(`FROM a\nEXPOSE ${spec}\n`)).ExposedPorts ?? {}).join(" "), ports);
  });
}

for (const [spec, message] of [
  ["80/http", 'invalid port: "80/http": invalid proto: http'],
  ["80/TCP/x", 'invalid port: "80/TCP/x": invalid proto: TCP/x'],
  ["/udp", 'invalid port: "/udp": no port specified'],
  ["80:", 'invalid port: "80:": no port specified'],
  ["65536", "invalid containerPort: 65536"],
  ["9-8", "invalid containerPort: 9-8"],
  ["-1", "invalid containerPort: -1"],
  ["1-", "invalid containerPort: 1-"],
  ["x:80", "invalid hostPort: x"],
  ["1.2.3:80:80", "invalid IP address: 1.2.3"],
  ["1-2:80-85", "invalid ranges specified for container and host Ports: 80-85 and 1-2"],
] as const) {
  test(`EXPOSE ${spec} is refused`, async () => {
    const error = await failureOf(`FROM a\nEXPOSE 79 ${spec}\n`);
    assert.equal([error.code, error.message, textAt(error)], ["INVALID_PORT", message, spec]);
  });
}

for (const signal of ["9", "-1", "sigterm", "KILL", "SIGCLD", "SIGRTMIN", "RTMIN+15", "SIGRTMAX-14"]) {
  test(`STOPSIGNAL ${signal}`, async () => {
    assert.is((await config(`FROM a\nSTOPSIGNAL ${signal}\n`)).StopSignal, signal);
  });
}

for (const [signal, hint] of [
  ["0", "a name such as SIGTERM, or a number"],
  ["SIGRTMIN+16", "did you mean SIGRTMIN+1?"],
  ["SIGTREM", "did you mean SIGTERM?"],
  ["SIGUNUSED", "a name such as SIGTERM, or a number"],
] as const) {
  test(`STOPSIGNAL ${signal} is refused`, async () => {
    const error = await failureOf(`FROM a\nSTOPSIGNAL ${signal}\n`);
    assert.equal([error.message, error.hint, textAt(error)], [`invalid signal: ${signal}`, hint, signal]);
  });
}

test("an image that was asked for a platform is for it, whatever its base says", async () => {
  const overrides = { targetPlatform: { os: "linux", architecture: "arm64" } };
  const asked = await run("FROM a\n", { ...overrides, isPlatformGiven: true });
  assert.equal(asked.image.platform, { os: "linux", architecture: "arm64" });
  assert.equal((await run("FROM a\n", overrides)).image.platform, { os: "linux", architecture: "amd64" });
});

test("HEALTHCHECK has Go's durations in the history", async () => {
  const rows = await history(
    'FROM a\nHEALTHCHECK --interval=90s --timeout=1500ms --retries=3 CMD ["a"]\nHEALTHCHECK NONE\n',
  );
  assert.equal(rows, [
    "HEALTHCHECK {Test:[CMD a] Interval:1m30s Timeout:1.5s StartPeriod:0s StartInterval:0s Retries:3}",
    "HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
  ]);
  const { Healthcheck } = await config("FROM a\nHEALTHCHECK --interval=90s CMD x\n");
  assert.equal(Healthcheck, { Test: ["CMD-SHELL", "x"], Interval: 90e9 });
});

test("an exec form is quoted as Go does", async () => {
  assert.equal(await history('FROM a\nCMD ["a\\"b", "\\u0007é\\u200b"]\n'), ['CMD ["a\\"b" "\\aé\\u200b"]']);
});

test("ENTRYPOINT clears the CMD of the base image", async () => {
  const resolveImage = async (name: string) => image(name, { Cmd: ["c"], Entrypoint: ["o"] });
  const { Cmd, Entrypoint } = await config('FROM a\nENTRYPOINT ["e"]\n', { resolveImage });
  assert.equal([Cmd, Entrypoint], [undefined, ["e"]]);
});

test("VOLUME, STOPSIGNAL, MAINTAINER and ONBUILD are recorded", async () => {
  const { image: draft } = await run(
    "FROM a\nENV D=/d\nVOLUME $D /e\nSTOPSIGNAL SIGRTMIN+3\nMAINTAINER me\nONBUILD RUN x\n",
  );
  assert.equal(draft.config.Volumes, { "/d": {}, "/e": {} });
  assert.is(draft.config.StopSignal, "SIGRTMIN+3");
  assert.is(draft.author, "me");
  assert.equal(draft.config.OnBuild, ["RUN x"]);
  assert.equal(
    draft.history.slice(draft.baseHistory).map((row) => row.created_by),
    ["ENV D=/d", "VOLUME [/d /e]", "STOPSIGNAL SIGRTMIN+3", "MAINTAINER me"],
  );
});

test("every non-empty row stands for one vertex of the target's chain", async () => {
  const { image: draft, target } = await run("FROM a\nWORKDIR /w\nRUN x\nENV A=1\nCOPY a b\nCMD x\n");
  let layers = 0;
  for (let vertex = target.vertex; vertex.op.type !== "image"; vertex = vertex.inputs[0]?.vertex ?? vertex) layers++;
  const rows = draft.history.slice(draft.baseHistory).filter((row) => row.empty_layer !== true);
  assert.is(rows.length, layers);
  assert.ok(rows.every((row) => row.comment === "buildkit.dockerfile.v0" && row.created === undefined));
});

const BAD_WORD = `$${"{X:=1}"}`;

const errors: readonly (readonly [code: string, at: string, line: string])[] = [
  ["UNSUPPORTED_FLAG", "gpu", "RUN --device=gpu y"],
  ["INVALID_COPY_SOURCE", "https://x/y", "COPY https://x/y /b"],
  ["INVALID_COPY_SOURCE", "git@x:y", "COPY git@x:y /b"],
  ["INVALID_PORT", "80/http", "EXPOSE 80/http"],
  ["INVALID_PORT", "9-8", "EXPOSE 9-8"],
  ["INVALID_PORT", "99999", "EXPOSE 99999"],
  ["INVALID_SIGNAL", "SIGNOPE", "STOPSIGNAL SIGNOPE"],
  ["EXPANSION_FAILED", BAD_WORD, `WORKDIR ${BAD_WORD}`],
];

for (const [code, at, line] of errors) {
  test(`${line} gives ${code} at ${at}`, async () => {
    const error = await failureOf(`FROM a\n${line}\n`);
    assert.is(error.code, code);
    assert.is(textAt(error), at);
    assert.is(error.range?.start.line, 2);
  });
}

test.run();
