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

/** What a step moves, and the limit that is to slow it down. */
interface Work {
  readonly script: string;
  /** Bytes, or operations at least. */
  readonly amount: number;
  readonly limit: "ioWriteBps" | "ioWriteIops" | "ioReadBps" | "ioReadIops";
  readonly changes?: () => SpecChanges;
}

/**
 * The step is given three times what it takes without a limit, and a second at least; it must then take half of that: the first
 * slice of time is the kernel's gift. So it holds on machines of any speed.
 */
function isHeld(name: string, { script, amount, limit, changes = () => ({}) }: Work): void {
  enforced(test, name, { [limit]: amount }, async () => {
    const free = await seconds(script, {}, changes());
    const wanted = Math.max(1, 3 * free);
    const held = await seconds(script, { [limit]: Math.ceil(amount / wanted) }, changes());
    assert.ok(held > 0.5 * wanted, `${held} s, ${free} s without a limit, at most ${wanted} s wanted`);
  });
}

async function seconds(script: string, limits: SandboxLimits, changes: SpecChanges): Promise<number> {
  const ran = await run(stepSpec(script, { ...changes, limits }));
  assert.is(ran.exitCode, 0, ran.stderr);
  return ran.usage.wallMs / 1000;
}

for (const command of ["dd if=/dev/zero of=/f bs=64k count=64", "head -c 4194304 /dev/zero > /f"]) {
  isHeld(`${command} is held to what it may write`, {
    script: command,
    amount: 4 * MiB,
    limit: "ioWriteBps",
  });
}

isHeld("the first write to a large file of the image is held too", {
  script: "echo >> /f",
  amount: 4 * MiB,
  limit: "ioWriteBps",
  changes: () => ({ rootfs: freshRootfs([busybox, directoryWith("f", "/dev/zero")]) }),
});

// Its file is somebody else's: whoever wrote it last has it, and its pages, in memory.
isHeld("a cache is held as the root is", {
  script: "dd if=/dev/zero of=/cache/f bs=64k count=64 conv=notrunc",
  amount: 4 * MiB,
  limit: "ioWriteBps",
  changes: () => ({ mounts: [cacheOf(directoryWith("f", "/dev/zero"))] }),
});

enforced(test, "a limit ends with its step", { ioWriteBps: MiB }, async () => {
  const changes = { mounts: [cacheOf(directoryWith("f", "/dev/zero"))] };
  const script = "dd if=/dev/zero of=/cache/f bs=64k count=64 conv=notrunc,fsync";
  const wanted = Math.max(3, 6 * (await seconds(script, {}, changes)));
  const held = await seconds(script, { ioWriteBps: Math.ceil((4 * MiB) / wanted) }, changes);
  const after = await seconds(script, {}, changes);
  assert.ok(after < held / 2, `${after} s after a step that took ${held} s`);
});

isHeld("a step is held to so many writes a second", {
  script:
    "i=0; while [ $i -lt 8 ]; do dd if=/dev/zero of=/f bs=4k count=1 seek=$i conv=fsync 2>/dev/null; i=$((i + 1)); done",
  amount: 8,
  limit: "ioWriteIops",
});

for (const [limit, amount] of [
  ["ioReadBps", 4 * MiB],
  ["ioReadIops", 64],
] as const) {
  isHeld(`a step is held to reading ${limit}`, {
    script: "dd if=/f of=/dev/null bs=64k iflag=direct",
    amount,
    limit,
    changes: () => ({ rootfs: freshRootfs([busybox, directoryWith("f", "/dev/urandom")]) }),
  });
}

enforced(test, "no attribute stays on what a limited step has written", { ioWriteBps: 50 * MiB }, async (limits) => {
  const rootfs = freshRootfs();
  await run(stepSpec("mkdir -p /a/b; echo > /a/b/c; ln -s /proc/self/exe /a/d; mkfifo /a/e", { rootfs, limits }));
  const listed = execFileSync("lsattr", ["-R", rootfs.upper], { stdio: ["ignore", "pipe", "ignore"] }).toString();
  assert.not.match(listed, /^-*S/m);
});

test("a filesystem without a disk is named", async () => {
  const refused = await checkLimits({ ioWriteBps: MiB, ioReadIops: 5 }, "/proc");
  assert.equal(
    refused.map(({ limit }) => limit),
    ["ioWriteBps", "ioReadIops"],
  );
  for (const { reason } of refused) assert.match(reason, /proc, which is no single disk|cgroup/);
});

function cacheOf(source: string): SandboxMount {
  return { type: "bind", source, target: "/cache", readonly: false, isOwn: true };
}

/** A directory with a file of 4 MiB that is on disk. */
function directoryWith(name: string, content: string): string {
  const directory = join(freshDirectory(), "files");
  mkdirSync(directory);
  const argv = [`if=${content}`, `of=${directory}/${name}`, "bs=64k", "count=64", "conv=fsync"];
  execFileSync("dd", argv, { stdio: "ignore" });
  return directory;
}

test.run();
