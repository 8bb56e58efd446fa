import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type BuildEvent, build } from "../../builder/index.ts";
import { probe } from "../../runtime-core/index.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { failureOf } from "../helpers/failure.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("limits of a build");
const store = makeTempDir("limits-store");
const base = await busyboxFlags();

function command(lines: readonly string[], ...flags: readonly string[]): Promise<CommandResult> {
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
    const { code, stderr } = await command([line], ...flags.split(" "), "--progress", "plain");
    assert.is(code, exitCode, stderr);
    assert.match(stderr, `exit code: ${exitCode} ${message}  [RUN_LIMIT_HIT]`);
    assert.match(stderr, new RegExp(`hint: .*${hint}`));
    assert.match(stderr, /Dockerfile:2/);
  });
}

test("a limit that this machine cannot enforce is an error before anything runs, even if all is cached", async () => {
  const lines = ["RUN echo cached"];
  assert.is((await command(lines)).code, 0);
  const { code, stderr } = await command(lines, "--cpuset-cpus", "0,4097-4099", "--ulimit", "nofile=5:99999999999");
  assert.is(code, 1);
  assert.match(
    stderr,
    /this machine cannot enforce --cpuset-cpus: .*4097-4099.*; --ulimit: .*\[SANDBOX_LIMIT_UNSUPPORTED\]/,
  );
  assert.match(stderr, /hint: .*; .*/);
  assert.not.match(stderr, /CACHED/);
});

test("a limit of the build that cannot be enforced is named as one", async () => {
  const { code, stderr } = await command(["RUN true"], "--build-limit", "cpuset-cpus=4097");
  assert.is(code, 1);
  assert.match(stderr, "this machine cannot enforce --build-limit cpuset-cpus:");
});

test("block io of all RUNs together is limited on cgroup v2, and refused by name on v1", async () => {
  const { code, stderr } = await command(["RUN true"], "--build-limit", "io-write-bps=50m");
  if (probe().cgroup === "v2") return assert.is(code, 0, stderr);
  assert.is(code, 1);
  assert.match(stderr, "this machine cannot enforce --build-limit io-write-bps: cgroup v1 holds no cgroups together");
});

test("limits change neither the image nor what is found in the cache", async () => {
  const lines = ["RUN echo limits > /f"];
  const id = async (...flags: readonly string[]) => (await command(lines, "-q", ...flags)).stdout;
  const flags = "--memory 64m --cpu-shares 512 --ulimit nofile=99 --shm-size 1m --timeout 1m --build-limit pids=90";
  const limited = await id(...flags.split(" "), "--no-cache");
  assert.ok(limited.length > 10);
  assert.is(await id(), limited);
  const { stderr } = await command(lines, ...flags.split(" "), "--progress", "plain");
  assert.match(stderr, "CACHED");
});

test("a limit that was met and got over fails nothing, and is in the events", async () => {
  const line = "RUN sh -c 'for i in 1 2 3 4 5 6; do (sleep 0.2 &) 2>/dev/null; done'; exit 0";
  const { code, stderr } = await command([line], "--pids-limit", "3", "--progress", "rawjson");
  assert.is(code, 0, stderr);
  const usages = stderr
    .split("\n")
    .filter((row) => row.includes('"usages"'))
    .map((row) => JSON.parse(row).usages[0]);
  assert.is(usages.length, 1);
  assert.equal(
    usages[0].limitsHit.map(({ type, count }: { type: string; count: number }) => [type, count]),
    [["pids", 3]],
  );
});

test("build() says the same as the command, in its error and events", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN sleep 60") });
  const [, , busybox = ""] = /^([^=]*)=(.*)$/.exec(base[1] ?? "") ?? [];
  const events: BuildEvent[] = [];
  const options = { context, store, buildContexts: { busybox }, onEvent: (event: BuildEvent) => events.push(event) };
  const timedOut = await failureOf(BuildError, build({ ...options, limits: { timeoutMs: 300 } }));
  assert.is(timedOut.code, "RUN_LIMIT_HIT");
  assert.is(timedOut.exitCode, 143);
  const usage = events.find((event) => event.type === "usage");
  assert.equal(usage?.type === "usage" && usage.usage.limitsHit, [{ type: "timeout", ms: 300 }]);
  const refused = await failureOf(BuildError, build({ ...options, buildLimits: { cpusetMems: "4097" } }));
  assert.is(refused.code, "SANDBOX_LIMIT_UNSUPPORTED");
  const senseless = await failureOf(BuildError, build({ ...options, limits: { memoryBytes: 0.5 } }));
  assert.is(senseless.code, "SANDBOX_INVALID_SPEC");
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
