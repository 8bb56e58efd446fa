import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../../helpers/base-images.ts";
import { TSBUILD } from "../../helpers/cli.ts";
import { type CommandOptions, type CommandResult, runCommand } from "../../helpers/command.ts";
import { makeTempDir } from "../../helpers/temp.ts";

const test = suite("tsbuild");
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const work = makeTempDir("cli");
const base = await baseImage("busybox");

function tsbuild(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { TSBUILD_STORE: join(work, "store"), GITHUB_ACTIONS: undefined, BUILDKIT_PROGRESS: undefined };
  return runCommand([...TSBUILD, ...args], { cwd: ROOT, ...options, env: { ...env, ...options.env } });
}

/** A context of its own with this Dockerfile, and the flags that build it. */
function context(name: string, dockerfile: string): readonly string[] {
  const path = join(work, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "Dockerfile"), dockerfile);
  return ["build", "--build-context", `base=oci-layout://${base}`, path];
}

test("--version and --help go to stdout", async () => {
  const version = await tsbuild(["--version"]);
  assert.equal([version.code, version.stdout, version.stderr], [0, "tsbuild 0.1.0\n", ""]);
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    const { code, stdout } = await tsbuild(args);
    assert.is(code, 0);
    assert.match(stdout, "Usage: tsbuild COMMAND");
  }
});

test("the help of build is the same however it is asked for", async () => {
  const asked = await Promise.all([tsbuild(["build", "--help"]), tsbuild(["help", "build"]), tsbuild(["build", "-h"])]);
  assert.is(new Set(asked.map(({ stdout }) => stdout)).size, 1);
  assert.match(asked[0]?.stdout ?? "", "Usage: tsbuild build [OPTIONS] CONTEXT");
});

const usage: readonly (readonly [args: readonly string[], report: string])[] = [
  [["bild"], "error: unknown command: bild  [UNKNOWN_COMMAND]\nhint: did you mean tsbuild build?\n"],
  [["build", "--tga", "x", "."], "error: unknown flag: --tga  [UNKNOWN_FLAG]\nhint: did you mean --tag?\n"],
  [
    ["build", "--platform", "linux/s390x,linux/arm64", "."],
    "error: --platform with more than one platform is not supported yet: linux/s390x, linux/arm64  [UNSUPPORTED_PLATFORM]\n",
  ],
  [["build"], "error: build needs a context: the directory that COPY reads  [MISSING_CONTEXT]\n"],
];

for (const [args, report] of usage) {
  test(`${args.join(" ")} ends with 2 and says what is wrong`, async () => {
    const { code, stdout, stderr } = await tsbuild(args);
    assert.equal([code, stdout], [2, ""]);
    assert.ok(stderr.startsWith(report), stderr);
  });
}

test("plain progress on stderr, nothing on stdout; a second build is cached", async () => {
  const args = context("plain", 'FROM base\nRUN echo "hello $HOSTNAME"\nCMD ["sh"]\n');
  const first = await tsbuild([...args, "--progress", "plain"]);
  assert.equal([first.code, first.stdout], [0, ""], first.stderr);
  assert.match(first.stderr, /^#\d+ \[2\/2\] RUN echo "hello \$HOSTNAME"$/m);
  assert.match(first.stderr, /^#\d+ \d+\.\d{3} hello/m);
  assert.match(first.stderr, /^#\d+ DONE \d+\.\ds$/m);
  const second = await tsbuild([...args, "--progress", "plain", "--rm"]);
  assert.match(second.stderr, "warning: without a meaning here, ignored: --rm\n");
  assert.match(second.stderr, /\[2\/2\] RUN echo "hello \$HOSTNAME"\n#\d+ CACHED\n/);
});

test("a script given as a heredoc runs by its own interpreter and leaves no trace", async () => {
  const script = 'FROM base\nRUN <<S\n#!/bin/sh\necho "this is $0"\nS\nRUN test ! -e /dev/pipes\n';
  const { code, stderr } = await tsbuild([...context("script", script), "--progress", "plain"]);
  assert.is(code, 0, stderr);
  assert.match(stderr, /^#\d+ \d+\.\d{3} this is \/dev\/pipes\/S$/m);
});

test("-q prints the digest alone; the iidfile and the metadata agree with it", async () => {
  const args = context("quiet", "FROM scratch\nLABEL a=1\n");
  const iidFile = join(work, "iid");
  const metadataFile = join(work, "metadata.json");
  const files = ["--iidfile", iidFile, "--metadata-file", metadataFile];
  const { code, stdout, stderr } = await tsbuild([...args, "-qt", "app:1", ...files]);
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.is(readFileSync(iidFile, "utf8"), stdout.trim());
  const metadata = JSON.parse(readFileSync(metadataFile, "utf8")) as Record<string, unknown>;
  assert.is(metadata["containerimage.digest"], stdout.trim());
  assert.is(metadata["image.name"], "docker.io/library/app:1");
  assert.is((metadata["containerimage.descriptor"] as { digest: string }).digest, stdout.trim());
});

for (const mode of ["plain", "quiet", "rawjson"]) {
  test(`a failed RUN ends with its own code and shows its whole log with --progress ${mode}`, async () => {
    const args = context("failed", "FROM base\nRUN for i in $(seq 100); do echo line $i; done; exit 37\n");
    const iidFile = join(work, `failed-${mode}`);
    const { code, stdout, stderr } = await tsbuild([...args, "--progress", mode, "--iidfile", iidFile]);
    assert.equal([code, stdout], [37, ""]);
    const log = mode === "rawjson" ? decodeLogs(stderr) : stderr;
    for (const line of [1, 50, 100]) assert.match(log, new RegExp(`line ${line}$`, "m"));
    assert.match(stderr, "exit code: 37  [RUN_FAILED]");
    assert.match(stderr, "Dockerfile:2:1");
    assert.not(existsSync(iidFile));
  });
}

function decodeLogs(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.startsWith('{"logs"'));
  const logs = lines.flatMap((line) => (JSON.parse(line) as { logs: readonly { data: string }[] }).logs);
  return logs.map(({ data }) => Buffer.from(data, "base64").toString()).join("");
}

test("an error of the Dockerfile is shown in place, and annotated for GitHub Actions", async () => {
  const args = context("error", "FROM base\nCOPY --from=7 /a /b\n");
  const { code, stderr } = await tsbuild([...args, "-q"], { env: { GITHUB_ACTIONS: "true" } });
  assert.is(code, 1);
  assert.match(stderr, "error: invalid stage index 7  [INVALID_STAGE_INDEX]\n");
  assert.match(stderr, "2 │ COPY --from=7 /a /b\n  │             ^\n");
  assert.match(stderr, /::error file=[^,]*Dockerfile,line=2,endLine=2,col=13::invalid stage index 7\n/);
});

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} stops a running step, cleans up and ends with ${expected}`, async () => {
    const args = context("interrupted", "FROM base\nRUN echo started; sleep 60\n");
    const iidFile = join(work, "interrupted-iid");
    const [file = "", ...rest] = [...TSBUILD, ...args, "--progress", "plain", "--iidfile", iidFile];
    const store = join(work, "store");
    const child = spawn(file, rest, { cwd: ROOT, env: { ...process.env, TSBUILD_STORE: store }, stdio: "pipe" });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      if (/\d started/.test(stderr) && !stderr.includes("stopping")) child.kill(signal);
    });
    const [code] = (await once(child, "close")) as [number | null];
    assert.is(code, expected, stderr);
    assert.match(stderr, `${signal}: stopping`);
    assert.match(stderr, "CANCELED");
    assert.not(existsSync(iidFile));
    assert.equal(leftBehind(store), []);
  });
}

/** Files that a build makes while it works and none may leave. */
function leftBehind(store: string): readonly string[] {
  const files = readdirSync(store, { recursive: true, encoding: "utf8" });
  return files.filter((path) => /\.tmp$/.test(path));
}

test("a reader that goes away is no error", async () => {
  const { code, stderr } = await runCommand(["sh", "-c", `${TSBUILD.join(" ")} build --help | head -1`], { cwd: ROOT });
  assert.equal([code, stderr], [0, ""]);
});

test.run();
