import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("limits of a build");
const store = makeTempDir("limits-store");
const base = await busyboxFlags();

function build(lines: readonly string[], ...flags: readonly string[]): Promise<CommandResult> {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines) });
  return tsbuild(["build", ...base, "--store", store, ...flags, context]);
}

const EAT = "RUN head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null";
const FORK = "RUN for i in 1 2 3 4 5 6 7 8 9; do sleep 2 & done; exit 3";

const hits: readonly (readonly [flags: string, line: string, exitCode: number, message: string, hint: string])[] = [
  ["--memory 24m --memory-swap 24m", EAT, 137, "(memory limit 24 MiB)", "raise it with --memory"],
  ["--pids-limit 4", FORK, 2, "(pids limit 4: 1 fork was refused)", "raise it with --pids-limit"],
  ["--timeout 300ms", "RUN sleep 60", 143, "(timeout 0.3 s)", "raise it with --timeout"],
  ["--ulimit cpu=1:5", "RUN while :; do :; done", 152, "(cpu time limit 1 s)", "raise it with --ulimit cpu=SECONDS"],
  [
    "--ulimit fsize=1048576",
    "RUN dd if=/dev/zero of=/f bs=1M count=2",
    153,
    "(file size limit 1 MiB)",
    "raise it with --ulimit fsize=BYTES",
  ],
  [
    "--build-limit memory=24m,memory-swap=24m",
    EAT,
    137,
    "(build memory limit 24 MiB)",
    "raise it with --build-limit memory=BYTES",
  ],
  [
    "--build-limit pids=5",
    FORK,
    2,
    "(build pids limit 5: 1 fork was refused)",
    "raise it with --build-limit pids=NUMBER",
  ],
];

for (const [flags, line, exitCode, message, hint] of hits) {
  test(`a RUN over ${flags} says which limit it was, and which flag raises it`, async () => {
    const { code, stderr } = await build([line], ...flags.split(" "), "--progress", "plain");
    assert.is(code, exitCode, stderr);
    assert.match(stderr, `exit code: ${exitCode} ${message}  [RUN_LIMIT_HIT]`);
    assert.match(stderr, new RegExp(`hint: .*${hint}`));
    assert.match(stderr, /Dockerfile:2/);
  });
}

test("a limit that this machine cannot enforce is an error before anything runs, even if all is cached", async () => {
  const lines = ["RUN echo cached"];
  assert.is((await build(lines)).code, 0);
  const { code, stderr } = await build(lines, "--cpuset-cpus", "4097", "--ulimit", "nofile=5:99999999999");
  assert.is(code, 1);
  assert.match(
    stderr,
    /this machine cannot enforce --cpuset-cpus: .*4097.*; --ulimit: .*\[SANDBOX_LIMIT_UNSUPPORTED\]/,
  );
  assert.match(stderr, /hint: .*; .*/);
  assert.not.match(stderr, /CACHED/);
});

test("a limit of the build that cannot be enforced is named as one", async () => {
  const { code, stderr } = await build(["RUN true"], "--build-limit", "cpuset-cpus=4097");
  assert.is(code, 1);
  assert.match(stderr, "this machine cannot enforce --build-limit cpuset-cpus:");
});

test("limits change neither the image nor what is found in the cache", async () => {
  const lines = ["RUN echo limits > /f"];
  const id = async (...flags: readonly string[]) => (await build(lines, "-q", ...flags)).stdout;
  const flags = "--memory 64m --cpu-shares 512 --ulimit nofile=99 --shm-size 1m --timeout 1m --build-limit pids=90";
  const limited = await id(...flags.split(" "), "--no-cache");
  assert.ok(limited.length > 10);
  assert.is(await id(), limited);
  const { stderr } = await build(lines, ...flags.split(" "), "--progress", "plain");
  assert.match(stderr, "CACHED");
});

test("a RUN that times out cancels what runs beside it", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "FROM busybox AS a",
      "RUN touch /a && sleep 60 && echo never",
      "FROM busybox AS b",
      "RUN touch /b && sleep 60 && echo never",
      "FROM busybox",
      "COPY --from=a /a /",
      "COPY --from=b /b /",
    ),
  });
  const { code, stderr } = await tsbuild(["build", ...base, "--store", store, "--timeout", "500ms", context]);
  assert.is(code, 143);
  assert.match(stderr, "(timeout 0.5 s)");
});

test.run();
