import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkLimits, type LimitHit, probe, type SandboxLimits } from "../../runtime-core/index.ts";
import { enforced } from "./enforced.ts";
import { freshDirectory, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox limits");
const MiB = 1 << 20;
const EAT = "head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null";

const memory: SandboxLimits = { memoryBytes: 32 * MiB, memorySwapBytes: 32 * MiB };
enforced(test, "a step over its memory limit is killed and says so", memory, async (limits) => {
  const ran = await run(stepSpec(EAT, { limits }));
  assert.is(ran.exitCode, 137);
  const { kills, ...hit } = ran.limitHit as Extract<LimitHit, { type: "memory" }>;
  assert.equal(hit, { type: "memory", scope: "step", bytes: 32 * MiB });
  // The kernel may count a process again that is slow to die.
  assert.ok(kills >= 1);
  assert.ok((ran.usage.memoryPeakBytes ?? 0) <= 32 * MiB);
});

const unlimitedSwap: SandboxLimits = { memoryBytes: 64 * MiB, memorySwapBytes: -1 };
enforced(test, "a step below its memory limit is left alone", unlimitedSwap, async (limits) => {
  const ran = await run(stepSpec("head -c 1000000 /dev/zero | tail -c 500000 > /dev/null", { limits }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
  assert.is(ran.usage.limitsHit, undefined);
});

enforced(
  test,
  "files in memory count as memory",
  { memoryBytes: 24 * MiB, memorySwapBytes: 24 * MiB },
  async (limits) => {
    const ran = await run(stepSpec("dd if=/dev/zero of=/dev/shm/x bs=1M count=40", { limits }));
    assert.is.not(ran.exitCode, 0);
    assert.is(ran.limitHit?.type, "memory");
  },
);

enforced(test, "a step over its process limit cannot fork and says so", { pids: 4 }, async (limits) => {
  const ran = await run(stepSpec("for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; exit 3", { limits }));
  assert.is.not(ran.exitCode, 0);
  assert.equal(ran.limitHit, { type: "pids", scope: "step", count: 4, refused: 1 });
  assert.is(ran.usage.pidsPeak, 4);
});

enforced(test, "a limit that a step met and got over is told, and is no failure", { pids: 3 }, async (limits) => {
  const script = "sh -c 'for i in 1 2 3 4 5 6; do (sleep 0.2 &) 2>/dev/null; done; exit 0'; exit 0";
  const ran = await run(stepSpec(script, { limits }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
  assert.is(ran.usage.limitsHit?.[0]?.type, "pids");
});

enforced(test, "as many processes as the limit says can run", { pids: 4 }, async (limits) => {
  const ran = await run(stepSpec("sleep 0.1 & sleep 0.1 & sleep 0.1 & wait", { limits }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
});

for (const limits of [{ cpus: 0.2 }, { cpuQuotaUs: 10_000, cpuPeriodUs: 50_000 }] as const) {
  enforced(test, `a step gets no more of a core than ${JSON.stringify(limits)}`, limits, async () => {
    const ran = await run(stepSpec("timeout 1 sh -c 'while :; do :; done'", { limits }));
    assert.ok(ran.usage.cpuUserMs + ran.usage.cpuSystemMs < 0.4 * ran.usage.wallMs + 100, JSON.stringify(ran.usage));
  });
}

const shares = { cpuShares: 512 };
enforced(
  test,
  "a share is docker's on cgroup v1, and the weight that runc makes of it on v2",
  shares,
  async (limits) => {
    const script = "cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight 2>/dev/null";
    const { stdout } = await run(stepSpec(script, { limits }));
    assert.is(stdout.trim(), probe().cgroup === "v2" ? "59" : "512");
  },
);

enforced(
  test,
  "a step has the processors and nodes it is given",
  { cpusetCpus: "0", cpusetMems: "0" },
  async (limits) => {
    const script = "nproc; sed -n 's/^\\(Cpus\\|Mems\\)_allowed_list:[^0-9]*//p' /proc/self/status";
    assert.is((await run(stepSpec(script, { limits }))).stdout, "1\n0\n0\n");
  },
);

test("processors that are not there are named", async () => {
  const [refused] = await checkLimits({ cpusetCpus: "0,4097" }, freshDirectory());
  assert.is(refused?.limit, "cpusetCpus");
  assert.match(refused?.reason ?? "", /4097|cpuset/);
});

test("/dev/shm has docker's size, or what is asked for", async () => {
  const size = async (limits: SandboxLimits) =>
    (await run(stepSpec("df -k /dev/shm | awk 'END { print $2 }'", { limits }))).stdout;
  assert.is(await size({}), "65536\n");
  assert.is(await size({ shmSizeBytes: 2 * MiB }), "2048\n");
});

const impossible: readonly SandboxLimits[] = [
  { memoryBytes: 0 },
  { memoryBytes: 1.5 },
  { memoryBytes: 6 * MiB - 1 },
  { memorySwapBytes: 1 << 20 },
  { memoryBytes: 12 * MiB, memorySwapBytes: 8 * MiB },
  { pids: 0 },
  { cpus: 0 },
  { cpus: Number.NaN },
  { cpus: 1, cpuQuotaUs: 5000 },
  { cpuQuotaUs: 10 },
  { cpuShares: 1 },
  { cpusetCpus: "1-0" },
  { cpusetMems: "" },
  { ioReadBps: -1 },
  { shmSizeBytes: 0 },
  { timeoutMs: 0 },
  { timeoutMs: 2 ** 31 },
  { ulimits: [{ name: "files" as "nofile", soft: 1, hard: 1 }] },
  { ulimits: [{ name: "nofile", soft: 2, hard: 1 }] },
];
for (const limits of impossible) {
  test(`${JSON.stringify(limits)} is refused before anything runs`, async () => {
    const error = await run(stepSpec("true", { limits })).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string; message: string },
    );
    assert.is(error?.code, "SANDBOX_INVALID_SPEC");
    assert.match(error?.message ?? "", /is not a possible limit/);
  });
}

test.run();
