import { suite } from "uvu";
import * as assert from "uvu/assert";
import { run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox limits");
const MiB = 1 << 20;

test("a step over its memory limit is killed and says so", async () => {
  const limits = { memoryBytes: 32 * MiB, memorySwapBytes: 32 * MiB };
  const ran = await run(stepSpec("head -c 200000000 /dev/zero | tail -c 150000000 > /dev/null", { limits }));
  assert.is(ran.exitCode, 137);
  assert.equal(ran.limitHit, { type: "memory", scope: "step", bytes: 32 * MiB, kills: 1 });
  assert.ok((ran.usage.memoryPeakBytes ?? 0) <= 32 * MiB);
});

test("a step below its memory limit is left alone", async () => {
  const ran = await run(
    stepSpec("head -c 1000000 /dev/zero | tail -c 500000 > /dev/null", { limits: { memoryBytes: 64 * MiB } }),
  );
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
});

test("a step over its process limit cannot fork and says so", async () => {
  const script = "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; exit 3";
  const ran = await run(stepSpec(script, { limits: { pids: 4 } }));
  assert.is.not(ran.exitCode, 0);
  assert.equal(ran.limitHit, { type: "pids", scope: "step", count: 4, refused: 1 });
  assert.is(ran.usage.pidsPeak, 4);
});

test("a limit that a step met and got over is told, and is no failure", async () => {
  const script = "for i in 1 2 3 4 5 6; do (sleep 0.2 &) 2>/dev/null; done; exit 0";
  const ran = await run(stepSpec(`sh -c '${script}'; exit 0`, { limits: { pids: 3 } }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
  assert.is(ran.usage.limitsHit?.[0]?.type, "pids");
});

test("as many processes as the limit says can run", async () => {
  const ran = await run(stepSpec("sleep 0.1 & sleep 0.1 & sleep 0.1 & wait", { limits: { pids: 4 } }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.limitHit, undefined);
});

test("a step gets no more cores than it may use", async () => {
  const script =
    "timeout 1 sh -c 'while :; do :; done'; cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null | grep nr_throttled | cut -d ' ' -f 2";
  const started = performance.now();
  const ran = await run(stepSpec(script, { limits: { cpus: 0.2 } }));
  const wallMs = performance.now() - started;
  assert.ok(Number(ran.stdout) > 0, ran.stdout);
  const cpuMs = ran.usage.cpuUserMs + ran.usage.cpuSystemMs;
  assert.ok(cpuMs < 0.4 * wallMs + 100, `${cpuMs} of ${wallMs}`);
});

for (const limits of [{ memoryBytes: 0 }, { memoryBytes: 1.5 }, { pids: 0 }, { cpus: 0 }, { cpus: Number.NaN }]) {
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
