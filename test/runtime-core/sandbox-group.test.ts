import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type CgroupLimits, checkLimits, type LimitHit, runSandbox, SandboxGroup } from "../../runtime-core/index.ts";
import { until } from "../helpers/processes.ts";
import { stepCgroups } from "../helpers/step-cgroups.ts";
import { freshDirectory, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox group");
const MiB = 1 << 20;
const directory = freshDirectory();

/** Runs `body` with a group; where this machine cannot have one, the refusal must name each limit as one of the build. */
async function within(limits: CgroupLimits, body: (group: SandboxGroup) => Promise<void>): Promise<void> {
  const refused = await checkLimits({}, directory, limits);
  if (refused.length > 0) {
    for (const { scope, limit } of refused) assert.ok(scope === "build" && limit in limits);
    return;
  }
  const group = await SandboxGroup.open(limits, {}, directory);
  try {
    await body(group);
  } finally {
    await group.close();
  }
}

/** The kernel may count a process again that is slow to die. */
function assertMemoryHit(
  hit: LimitHit | undefined,
  expected: Pick<LimitHit & { type: "memory" }, "scope" | "bytes">,
): void {
  const { kills, ...rest } = hit as Extract<LimitHit, { type: "memory" }>;
  assert.equal(rest, { type: "memory", ...expected });
  assert.ok(kills >= 1);
}

test("steps share a memory limit, and the one that goes over it says whose it is", async () => {
  await within({ memoryBytes: 48 * MiB, memorySwapBytes: 48 * MiB }, async (group) => {
    const script = "head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null";
    const ran = await run(stepSpec(script, { group, limits: { memoryBytes: 512 * MiB } }));
    assert.is(ran.exitCode, 137);
    assertMemoryHit(ran.limitHit, { scope: "build", bytes: 48 * MiB });
  });
});

test("a step's own memory limit is told from its build's", async () => {
  await within({ memoryBytes: 512 * MiB }, async (group) => {
    const script = "head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null";
    const limits = { memoryBytes: 32 * MiB, memorySwapBytes: 32 * MiB };
    const ran = await run(stepSpec(script, { group, limits }));
    assertMemoryHit(ran.limitHit, { scope: "step", bytes: 32 * MiB });
  });
});

test("steps share a pids limit", async () => {
  await within({ pids: 10 }, async (group) => {
    let isHeld = () => {};
    const held = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    const script = "sleep 3 & sleep 3 & sleep 3 & sleep 3 & echo held; wait";
    const holder = runSandbox(stepSpec(script, { group }), { onStdout: () => isHeld() });
    await held;
    const ran = await run(stepSpec("for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; exit 3", { group }), { isLast: true });
    await holder;
    assert.is.not(ran.exitCode, 0);
    assert.is(ran.limitHit?.type, "pids");
    assert.equal(ran.limitHit, { type: "pids", scope: "build", count: 10, refused: 1 });
  });
});

test("steps share a cpu quota", async () => {
  await within({ cpus: 0.4 }, async (group) => {
    const burn = () => run(stepSpec("timeout 1.5 sh -c 'while :; do :; done'", { group }));
    const ran = await Promise.all([burn(), burn()]);
    const used = ran.reduce((sum, { usage }) => sum + usage.cpuUserMs + usage.cpuSystemMs, 0);
    const wall = Math.max(...ran.map(({ usage }) => usage.wallMs));
    assert.ok(used < 0.7 * wall, `${used} ms of ${wall} ms`);
  });
});

test("a step after the first, prepared ahead, is in the group as well", async () => {
  await within({ memoryBytes: 48 * MiB, memorySwapBytes: 48 * MiB }, async (group) => {
    await run(stepSpec("true", { group }));
    await run(stepSpec("true", { group }));
    const ran = await run(stepSpec("head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null", { group }));
    assert.is(ran.limitHit?.type === "memory" && ran.limitHit.scope, "build");
  });
});

test("a closed group leaves no cgroup, and takes no step", async () => {
  let closed: SandboxGroup | undefined;
  await within({ pids: 50 }, async (group) => {
    closed = group;
    await run(stepSpec("true", { group }));
  });
  if (closed === undefined) return;
  const group = closed;
  await until(() => stepCgroups(process.pid).length === 0);
  const error = await run(stepSpec("true", { group })).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string },
  );
  assert.is(error?.code, "SANDBOX_INVALID_SPEC");
});

test("what a killed process leaves of a group, the next one removes", async () => {
  if ((await checkLimits({}, directory, { pids: 50 })).length > 0) return;
  const index = fileURLToPath(new URL("../../runtime-core/index.ts", import.meta.url));
  const program = `
    const { SandboxGroup } = await import(${JSON.stringify(index)});
    await SandboxGroup.open({ pids: 50, memoryBytes: ${64 * MiB} }, {}, ${JSON.stringify(directory)});
    process.stdout.write("open");
    setInterval(() => {}, 1000);`;
  const args = ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", program];
  const killed = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(killed.stdout, "data");
  assert.ok(stepCgroups(killed.pid ?? 0).length > 0);
  killed.kill("SIGKILL");
  await once(killed, "exit");
  // A process sweeps once; so another one is asked for anything at all.
  const probe = `const { probe } = await import(${JSON.stringify(index)}); probe();`;
  execFileSync(process.execPath, [...args.slice(0, 3), "-e", probe]);
  assert.equal(stepCgroups(killed.pid ?? 0), []);
});

test.run();
