import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { contentSize, type SandboxLimits, type SandboxMount } from "../../runtime-core/index.ts";
import { freshDirectory, freshRootfs, type Ran, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox disk");
const MiB = 1 << 20;
const QUOTA = 4 * MiB;
/** What a step may have written by the time that it is ended: some milliseconds of writing. */
const MOST = 512 * MiB;

async function runWithQuota(script: string, changes: Parameters<typeof stepSpec>[1] = {}): Promise<Ran> {
  const limits: SandboxLimits = { diskQuotaBytes: QUOTA };
  return await run(stepSpec(script, { limits, ...changes }));
}

/** A loop of the shell; a program for each file would take most of the time. */
const forever = (body: string) => `i=0; while :; do i=$((i+1)); ${body}; done`;

const FILLERS: Readonly<Record<string, string>> = {
  "one long file": "dd if=/dev/zero of=/f bs=1M count=2000",
  "a file written line by line": "yes > /f",
  "many files": forever("dd if=/dev/zero of=/f$i bs=1M count=1 2> /dev/null"),
  "small files": `mkdir /d; ${forever("echo x > /d/$i")}`,
  "empty files": `mkdir /d; ${forever(": > /d/$i")}`,
  "directories in each other": `${forever("mkdir d && cd d && : > a > b > c > e > f > g > h")} 2> /dev/null`,
  "several writers": `for j in 1 2 3; do (${forever("dd if=/dev/zero of=/f$j$i bs=1M count=1 2> /dev/null")}) & done; wait`,
  "room reserved for files": forever("fallocate -l 4M /f$i"),
  "files with holes": `${forever("truncate -s 4M /f$i; sleep 0.01")}`,
  "files that are removed while they are open":
    "exec 3> /f 4> /g; rm /f /g; cat /dev/zero >&3 & cat /dev/zero >&4; sleep 60",
  "a file that belongs to somebody else, in a closed directory": `umask 777; mkdir /d; chown 1000 /d; ${forever("yes | head -c 1000000 > /d/$i")}`,
};

for (const [name, script] of Object.entries(FILLERS)) {
  test(`a step that fills the disk with ${name} is ended, and says so`, async () => {
    const rootfs = freshRootfs();
    const ran = await runWithQuota(script, { rootfs });
    assert.is(ran.limitHit?.type, "disk", `exit code ${ran.exitCode}: ${ran.stderr}`);
    assert.is.not(ran.exitCode, 0);
    assert.ok((await contentSize(rootfs.upper)) < MOST);
  });
}

const WITHIN: Readonly<Record<string, string>> = {
  "less than the quota": "dd if=/dev/zero of=/f bs=1M count=3 2> /dev/null",
  "more than the quota, but not at once":
    "for i in 1 2 3 4; do dd if=/dev/zero of=/f bs=1M count=2; rm /f; done 2> /dev/null",
  "a file over and over": "for i in 1 2 3 4; do dd if=/dev/zero of=/new bs=1M count=1; mv /new /f; done 2> /dev/null",
  "many names of one file": "dd if=/dev/zero of=/f bs=1M count=2; for i in 1 2 3 4; do ln /f /f$i; done 2> /dev/null",
  "to memory": "for i in 1 2 3 4; do dd if=/dev/zero of=/dev/shm/f$i bs=1M count=2; done 2> /dev/null",
};

for (const [name, script] of Object.entries(WITHIN)) {
  test(`a step may write ${name}`, async () => {
    const ran = await runWithQuota(script);
    assert.equal([ran.exitCode, ran.limitHit], [0, undefined], ran.stderr);
  });
}

test("a step that is over its quota only when it ends is told too", async () => {
  const ran = await runWithQuota("for i in 1 2 3; do truncate -s 2M /f$i; done");
  assert.equal([ran.exitCode, ran.limitHit?.type], [137, "disk"]);
});

test("what a step could not write because of the quota is why it failed", async () => {
  const ran = await runWithQuota("trap '' XFSZ; yes > /f; exit 3");
  assert.equal([ran.exitCode, ran.limitHit?.type], [3, "disk"], ran.stderr);
});

/** The kernel refuses them before they take room. */
const LARGE_FILES: Readonly<Record<string, string>> = {
  "room reserved for a file": "fallocate -l 1G /f && sleep 60",
  "one file with a hole": "truncate -s 1G /f && sleep 60",
  "a file in memory": "exec dd if=/dev/zero of=/dev/shm/f bs=1M count=8",
};

for (const [name, script] of Object.entries(LARGE_FILES)) {
  test(`${name} that is larger than the quota is told as the size of one file`, async () => {
    const ran = await runWithQuota(script);
    assert.is(ran.exitCode, 153, ran.stderr);
    assert.equal(ran.limitHit, { type: "fileSize", bytes: QUOTA, setBy: "diskQuota" });
  });
}

test("a full tmpfs is not the quota's doing", async () => {
  const mounts: SandboxMount[] = [{ type: "tmpfs", target: "/m", sizeBytes: 1 << 20, readonly: false }];
  const ran = await runWithQuota("echo x > /f; dd if=/dev/zero of=/m/f bs=1M count=2", { mounts });
  assert.equal([ran.exitCode, ran.limitHit], [1, undefined], ran.stderr);
});

test("a failure far below the quota is the command's own", async () => {
  const ran = await runWithQuota("echo x > /f; exit 3");
  assert.equal([ran.exitCode, ran.limitHit], [3, undefined]);
});

const cacheMount = (source: string): SandboxMount => ({ type: "bind", source, target: "/cache", readonly: false });

test("what a cache holds already is not the step's, what it grows by is", async () => {
  const cache = freshDirectory();
  writeFileSync(join(cache, "old"), Buffer.alloc(QUOTA * 2));
  const mounts = [cacheMount(cache)];
  const small = await runWithQuota("echo x > /cache/new", { mounts });
  assert.equal([small.exitCode, small.limitHit], [0, undefined], small.stderr);
  const big = await runWithQuota(forever("dd if=/dev/zero of=/cache/$i bs=1M count=1 2> /dev/null"), { mounts });
  assert.is(big.limitHit?.type, "disk", big.stderr);
});

test("a cache that is cleaned gives its step nothing", async () => {
  const cache = freshDirectory();
  writeFileSync(join(cache, "old"), Buffer.alloc(QUOTA * 2));
  const script = `rm /cache/old; ${forever("dd if=/dev/zero of=/$i bs=1M count=1 2> /dev/null")}`;
  const ran = await runWithQuota(script, { mounts: [cacheMount(cache)] });
  assert.is(ran.limitHit?.type, "disk", ran.stderr);
});

test("what a writable bind of another stage takes counts too", async () => {
  const place = freshDirectory();
  for (const name of ["lower", "upper", "work"]) mkdirSync(join(place, name));
  const rootfs = { lowers: [join(place, "lower")], upper: join(place, "upper"), work: join(place, "work") };
  const mounts: SandboxMount[] = [{ type: "rootfs", rootfs, path: "/", target: "/m", readonly: false }];
  const ran = await runWithQuota(forever("dd if=/dev/zero of=/m/$i bs=1M count=1 2> /dev/null"), { mounts });
  assert.is(ran.limitHit?.type, "disk", ran.stderr);
});

test("a step that is ended at its quota is accounted like any other", async () => {
  const { usage } = await runWithQuota(forever("dd if=/dev/zero of=/f$i bs=1M count=1 2> /dev/null"));
  assert.ok(usage.ioWrittenBytes > QUOTA / 2, `${usage.ioWrittenBytes}`);
  assert.ok(usage.cpuUserMs + usage.cpuSystemMs > 1, JSON.stringify(usage));
});

test("input and output are those of all processes of a step", async () => {
  const { usage } = await run(stepSpec("(yes | head -c 3000000 > /f) & wait; cat /f > /dev/null"));
  assert.ok(usage.ioWrittenBytes >= 3_000_000 && usage.ioWrittenBytes < 4_000_000, `${usage.ioWrittenBytes}`);
  assert.ok(usage.ioReadBytes >= 0);
});

test("the layer's bytes are those of the files that a step leaves", async () => {
  const { usage } = await run(
    stepSpec("mkdir -p /a/b; echo 12345 > /a/b/c; ln /a/b/c /d; ln -s /d /e; echo 12 > /f; rm /f"),
  );
  assert.is(usage.layerBytes, 6);
  assert.is((await run(stepSpec("true"))).usage.layerBytes, 0);
});

test("a layer of many files is counted when asked for", async () => {
  const rootfs = freshRootfs();
  const { usage } = await run(
    stepSpec("mkdir /d; i=0; while [ $i -lt 1200 ]; do echo 123 > /d/$i; i=$((i+1)); done", { rootfs }),
  );
  assert.is(usage.layerBytes, undefined);
  assert.is(await contentSize(rootfs.upper), 4800);
  rmSync(rootfs.upper, { recursive: true });
});

for (const diskQuotaBytes of [0, -1, 1.5, Number.NaN]) {
  test(`a quota of ${diskQuotaBytes} bytes is refused before anything runs`, async () => {
    const error = await run(stepSpec("true", { limits: { diskQuotaBytes } })).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string },
    );
    assert.is(error?.code, "SANDBOX_INVALID_SPEC");
  });
}

test.run();
