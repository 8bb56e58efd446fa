import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkLimits, type Ulimit } from "../../runtime-core/index.ts";
import { SLOWDOWN } from "../helpers/slowdown.ts";
import { freshDirectory, output, run, stepSpec } from "./sandbox-fixture.ts";

/** A shell takes its time on a busy machine until it says what it does with a signal. */
const TO_SET_A_TRAP_MS = 1500 * SLOWDOWN;

const test = suite("sandbox ulimits and time");
const MiB = 1 << 20;

function limits(name: Ulimit["name"], soft: number, hard: number = soft): { ulimits: readonly Ulimit[] } {
  return { ulimits: [{ name, soft, hard }] };
}

/** The row of proc_pid_limits(5), as soft and hard. */
const ROWS: readonly (readonly [name: Ulimit["name"], row: string])[] = [
  ["as", "Max address space"],
  ["core", "Max core file size"],
  ["cpu", "Max cpu time"],
  ["data", "Max data size"],
  ["fsize", "Max file size"],
  ["locks", "Max file locks"],
  ["memlock", "Max locked memory"],
  ["msgqueue", "Max msgqueue size"],
  ["nice", "Max nice priority"],
  ["nofile", "Max open files"],
  ["nproc", "Max processes"],
  ["rss", "Max resident set"],
  ["rtprio", "Max realtime priority"],
  ["rttime", "Max realtime timeout"],
  ["sigpending", "Max pending signals"],
  ["stack", "Max stack size"],
];

for (const [name, row] of ROWS) {
  test(`every process of a step has its ulimit ${name}`, async () => {
    const [soft, hard] =
      name === "nice" || name === "rtprio" ? [0, 0] : name === "stack" ? [4 * MiB, 8 * MiB] : [60, 64];
    const bytes = ["as", "data", "fsize"].includes(name) ? 4 * MiB : 1;
    const script = `sed -n 's/^${row} *\\([0-9a-z]*\\) *\\([0-9a-z]*\\).*/\\1 \\2/p' /proc/self/limits`;
    const expected = `${soft * bytes} ${hard * bytes}`;
    assert.is(await output(script, { limits: limits(name, soft * bytes, hard * bytes) }), expected);
  });
}

test("a user's step has them too", async () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [] };
  assert.is(await output("ulimit -Sn; ulimit -Hn", { user, limits: limits("nofile", 20, 30) }), "20\n30");
});

test("core files are off unless a ulimit allows them", async () => {
  assert.is(await output("ulimit -c"), "0");
  assert.is(await output("ulimit -c", { limits: limits("core", -1) }), "unlimited");
});

test("a hard limit that this process may not give is refused, by name", async () => {
  const ulimits = [{ name: "nofile", soft: 10, hard: 2 ** 40 }] as const;
  const [refused] = await checkLimits({ ulimits }, freshDirectory());
  assert.is(refused?.limit, "ulimits");
  assert.match(refused?.reason ?? "", /files|nofile/);
  const error = await run(stepSpec("true", { limits: { ulimits } })).then(
    () => undefined,
    (thrown: unknown) => thrown as { code: string },
  );
  assert.is(error?.code, "SANDBOX_LIMIT_UNSUPPORTED");
});

test("SIGXCPU is the cpu time limit", async () => {
  const ran = await run(stepSpec("while :; do :; done", { limits: limits("cpu", 1, 5) }));
  assert.is(ran.signal, "SIGXCPU");
  assert.equal(ran.limitHit, { type: "cpuTime", seconds: 1 });
});

test("where soft and hard are one, the kernel kills, and it is the cpu time limit still", async () => {
  const ran = await run(stepSpec("while :; do :; done", { limits: limits("cpu", 1) }));
  assert.is(ran.signal, "SIGKILL");
  assert.equal(ran.limitHit, { type: "cpuTime", seconds: 1 });
});

test("a step that kills itself met no limit", async () => {
  const ran = await run(stepSpec("kill -9 $$", { limits: limits("cpu", 5) }));
  assert.is(ran.exitCode, 137);
  assert.is(ran.limitHit, undefined);
});

test("SIGXFSZ is the file size limit", async () => {
  const ran = await run(stepSpec("dd if=/dev/zero of=/f bs=1M count=3", { limits: limits("fsize", MiB) }));
  assert.is(ran.exitCode, 153);
  assert.equal(ran.limitHit, { type: "fileSize", bytes: MiB, setBy: "ulimit" });
});

test("a step over its time is ended, and it was the timeout", async () => {
  const ran = await run(stepSpec("sleep 60", { limits: { timeoutMs: 200 } }));
  assert.is(ran.signal, "SIGTERM");
  assert.equal(ran.limitHit, { type: "timeout", ms: 200 });
});

test("a command that ends well when its time is over has failed all the same", async () => {
  const script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
  const ran = await run(stepSpec(script, { limits: { timeoutMs: TO_SET_A_TRAP_MS } }));
  assert.is(ran.exitCode, 124);
  assert.is(ran.limitHit?.type, "timeout");
});

test("a command that does not listen is killed", async () => {
  const spec = stepSpec("trap '' TERM; sleep 600", { limits: { timeoutMs: TO_SET_A_TRAP_MS } });
  const ran = await run(spec, { graceMs: 100 });
  assert.is(ran.signal, "SIGKILL");
  assert.equal(ran.limitHit, { type: "timeout", ms: TO_SET_A_TRAP_MS });
});

test("a step that is done in time is not troubled", async () => {
  const ran = await run(stepSpec("true", { limits: { timeoutMs: 60_000 } }));
  assert.is(ran.exitCode, 0);
  assert.is(ran.usage.limitsHit, undefined);
});

test.run();
