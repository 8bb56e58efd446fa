import * as assert from "uvu/assert";
import { probe } from "../../runtime-core/index.ts";
import { hostileImage } from "./hostile-image.ts";
import { type Attacker, Attacks, type Outcome } from "./rig.ts";

const attacks = new Attacks("bombs");

/** A limit, what runs into it, and what the build then says. */
const LIMITS: readonly (readonly [what: string, flags: readonly string[], script: string, says: RegExp])[] = [
  [
    "a fork bomb",
    ["--pids-limit", "40"],
    "b() { b | b & }; b; sleep 1; for i in $(seq 60); do sleep 5 & done; wait",
    /pids limit 40/,
  ],
  [
    "a memory bomb",
    ["--memory", "48m", "--memory-swap", "48m"],
    "tail -c 200m /dev/zero > /dev/null",
    /memory limit 48 MiB/,
  ],
  [
    "a memory bomb in /dev/shm",
    ["--memory", "32m", "--memory-swap", "32m"],
    "dd if=/dev/zero of=/dev/shm/x bs=1M count=60",
    /memory limit 32 MiB/,
  ],
  ["a step without end", ["--timeout", "1s"], "trap '' TERM; while :; do :; done", /timeout 1 ?s/],
];

for (const [what, flags, script, says] of LIMITS) {
  attacks.each(`${what} ends its step by the limit's name, and the next build runs`, async (attacker) => {
    const outcome = await attacker.build({ flags, dockerfile: ["FROM busybox", `RUN ${script}`] });
    if (isUnsupported(outcome, attacker, flags)) return;
    assert.ok(outcome.code !== 0, outcome.stderr);
    assert.match(outcome.stderr, says);
    assert.match(outcome.stderr, /\[RUN_LIMIT_HIT\]/);
    const after = await attacker.build({ dockerfile: ["FROM busybox", "RUN --network=none echo alive"] });
    assert.is(after.code, 0, after.stderr);
  });
}

/** Where the user's cgroup is not delegated, a limit is refused by name: nothing ran. */
function isUnsupported({ stderr, printed }: Outcome, attacker: Attacker, flags: readonly string[]): boolean {
  const needsCgroup = flags[0] !== "--timeout";
  if (attacker.isRoot || !needsCgroup || !/\[SANDBOX_LIMIT_UNSUPPORTED\]/.test(stderr)) {
    assert.ok(!attacker.isRoot || probe().cgroup !== "none", "root has cgroups here");
    return false;
  }
  assert.equal(printed, []);
  return true;
}

attacks.each("a disk filler is ended at its quota, and what it wrote goes with it", async (attacker) => {
  const outcome = await attacker.build({
    flags: ["--disk-quota", "20m"],
    dockerfile: [
      "FROM busybox",
      "RUN for i in $(seq 100); do dd if=/dev/zero of=/fill$i bs=1M count=5 2> /dev/null || exit 1; done",
    ],
  });
  assert.ok(outcome.code !== 0, outcome.stderr);
  assert.match(outcome.stderr, /disk quota 20 MiB/);
  assert.match(outcome.stderr, /\[RUN_LIMIT_HIT\]/);
});

attacks.each("descriptors run out in the step and not on the machine", async ({ build }) => {
  const script =
    'for i in $(seq 10 1100); do eval "exec $i< /dev/null" 2> /dev/null || break; done; ulimit -n; echo held $i';
  const { code, stderr } = await build({ dockerfile: ["FROM busybox", `RUN (${script}) || true`] });
  assert.is(code, 0, stderr);
});

attacks.each("a flood of output, and a line without end, are kept in bounds", async ({ build }) => {
  const { code, stderr, printed } = await build({
    dockerfile: ["FROM busybox", "RUN yes | head -c 1000000; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"],
  });
  assert.is(code, 0, stderr.slice(0, 2000));
  assert.is(printed.filter((line) => line === "end").length, 1);
  assert.ok(stderr.length > 4_000_000, "logs are never clipped");
});

attacks.each("arguments and variables of megabytes are refused by the kernel's words or run", async ({ build }) => {
  const evil = await hostileImage({ layers: [], config: { Env: [`BIG=${"y".repeat(200_000)}`, "PATH=/bin"] } });
  const script = Array.from({ length: 4000 }, () => `: ${"x".repeat(50)}`);
  for (const dockerfile of [
    ["FROM evil", "RUN true"],
    ["FROM busybox", "RUN <<EOF", ...script, "EOF"],
  ]) {
    const { code, stderr } = await build({ images: { evil }, dockerfile });
    assert.is(code, 126, "execve takes no string above 128 KiB");
    assert.match(stderr, /argument list too long/);
  }
});

attacks.each("users of an image are read within bounds: a FIFO, a huge and an endless passwd", async ({ build }) => {
  for (const [script, user] of [
    ["rm -f /etc/passwd && mkfifo /etc/passwd", "app"],
    ["truncate -s 64m /etc/passwd", "app"],
    ["ln -sf /dev/zero /etc/passwd; ln -sf /dev/zero /etc/group", "app:app"],
    ["ln -sf /proc/self/environ /etc/passwd", "app"],
  ] as const) {
    const { code, stderr } = await build({
      dockerfile: ["FROM busybox", `RUN ${script}`, "COPY --chown=1:1 Dockerfile /", `USER ${user}`, "RUN id"],
    });
    assert.is(code, 1, stderr);
    assert.match(stderr, /^error: .*\[[A-Z_]+\]$/m, script);
  }
});

attacks.run();
