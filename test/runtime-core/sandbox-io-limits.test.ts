import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkLimits, type SandboxLimits, type SandboxMount } from "../../runtime-core/index.ts";
import { enforced } from "./enforced.ts";
import { busybox, freshDirectory, freshRootfs, run, type SpecChanges, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox io limits");
const MiB = 1 << 20;

async function seconds(script: string, limits: SandboxLimits, changes: SpecChanges = {}): Promise<number> {
  const ran = await run(stepSpec(script, { ...changes, limits }));
  assert.is(ran.exitCode, 0, ran.stderr);
  return ran.usage.wallMs / 1000;
}

/** On cgroup v2 a limited step may end before its page cache is written; on v1 it writes at once. So it waits for the disk here. */
const written = (command: string) => `${command} && sync /f`;

for (const command of ["dd if=/dev/zero of=/f bs=64k count=64", "head -c 4194304 /dev/zero > /f"]) {
  enforced(test, `${command} is held to what it may write`, { ioWriteBps: 4 * MiB }, async (limits) => {
    const free = await seconds(written(command), {});
    const held = await seconds(written(command), limits);
    // 4 MiB at 4 MiB a second; the first slice of time is given ahead.
    assert.ok(held > 0.5 && held > 3 * free, `${held} s, ${free} s without a limit`);
  });
}

enforced(test, "the first write to a large file of the image is held too", { ioWriteBps: 4 * MiB }, async (limits) => {
  const lower = join(freshDirectory(), "lower");
  mkdirSync(lower);
  execFileSync("dd", ["if=/dev/zero", `of=${lower}/f`, "bs=1M", "count=4"], { stdio: "ignore" });
  const rootfs = () => freshRootfs([busybox, lower]);
  const free = await seconds(written("echo >> /f"), {}, { rootfs: rootfs() });
  const held = await seconds(written("echo >> /f"), limits, { rootfs: rootfs() });
  assert.ok(held > 0.5 && held > 3 * free, `${held} s, ${free} s without a limit`);
});

enforced(test, "a cache is held as the root is", { ioWriteBps: 4 * MiB }, async (limits) => {
  const source = freshDirectory();
  execFileSync("dd", ["if=/dev/zero", `of=${source}/old`, "bs=1M", "count=4"], { stdio: "ignore" });
  const cache: SandboxMount = { type: "bind", source, target: "/cache", readonly: false, isOwn: true };
  const script = "dd if=/dev/zero of=/cache/old bs=64k count=64 conv=notrunc && sync /cache/old";
  const free = await seconds(script, {}, { mounts: [cache] });
  const held = await seconds(script, limits, { mounts: [cache] });
  assert.ok(held > 0.5 && held > 3 * free, `${held} s, ${free} s without a limit`);
});

enforced(test, "no attribute stays on what a limited step has written", { ioWriteBps: 50 * MiB }, async (limits) => {
  const rootfs = freshRootfs();
  await run(stepSpec("mkdir -p /a/b; echo > /a/b/c; ln -s /proc/self/exe /a/d; mkfifo /a/e", { rootfs, limits }));
  const listed = execFileSync("lsattr", ["-R", rootfs.upper], { stdio: ["ignore", "pipe", "ignore"] }).toString();
  assert.not.match(listed, /^-*S/m);
});

enforced(test, "a step is held to so many writes a second", { ioWriteIops: 60 }, async (limits) => {
  const script =
    "i=0; while [ $i -lt 16 ]; do dd if=/dev/zero of=/f bs=4k count=1 seek=$i conv=fsync 2>/dev/null; i=$((i + 1)); done";
  const free = await seconds(script, {});
  const held = await seconds(script, limits);
  assert.ok(held > 2 * free, `${held} s, ${free} s without a limit`);
});

for (const limits of [{ ioReadBps: 2 * MiB }, { ioReadIops: 40 }] as const) {
  enforced(test, `a step is held to reading ${JSON.stringify(limits)}`, limits, async () => {
    const lower = join(freshDirectory(), "lower");
    mkdirSync(lower);
    execFileSync("dd", ["if=/dev/urandom", `of=${lower}/f`, "bs=64k", "count=32", "conv=fsync"], { stdio: "ignore" });
    const rootfs = freshRootfs([busybox, lower]);
    const script = "dd if=/f of=/dev/null bs=64k iflag=direct";
    const free = await seconds(script, {}, { rootfs });
    const held = await seconds(script, limits, { rootfs });
    assert.ok(held > 0.4 && held > 3 * free, `${held} s, ${free} s without a limit`);
  });
}

test("a filesystem without a disk is named", async () => {
  const refused = await checkLimits({ ioWriteBps: MiB, ioReadIops: 5 }, "/proc");
  assert.equal(
    refused.map(({ limit }) => limit),
    ["ioWriteBps", "ioReadIops"],
  );
  for (const { reason } of refused) assert.match(reason, /proc, which is no single disk|cgroup/);
});

test.run();
