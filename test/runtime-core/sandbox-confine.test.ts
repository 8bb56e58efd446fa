import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { probe } from "../../runtime-core/index.ts";
import { mounts } from "../helpers/mounts.ts";
import { output, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox confinement");

const root = { uid: 0, gid: 0, additionalGids: [] };
const app = { uid: 1000, gid: 1000, additionalGids: [] };

const statuses: readonly [what: string, user: typeof root, nnp: boolean, expected: Record<string, string>][] = [
  ["root has Docker's capabilities", root, false, { CapPrm: "a80425fb", CapEff: "a80425fb", NoNewPrivs: "0" }],
  ["another user has none", app, false, { CapPrm: "00000000", CapEff: "00000000", NoNewPrivs: "0" }],
  ["no_new_privs is set when asked for", root, true, { CapPrm: "a80425fb", CapEff: "a80425fb", NoNewPrivs: "1" }],
];
for (const [what, user, noNewPrivileges, expected] of statuses) {
  test(what, async () => {
    const status = await output("cat /proc/self/status", { user, noNewPrivileges });
    const field = (name: string) => status.match(new RegExp(`^${name}:\\s*(\\S+)`, "m"))?.[1]?.replace(/^0{8}/, "");
    for (const [name, value] of Object.entries(expected)) assert.is(field(name), value, name);
    assert.is(field("CapBnd"), "a80425fb");
    assert.is(field("CapInh"), "00000000");
    assert.is(field("CapAmb"), "00000000");
    assert.is(field("Seccomp"), "2");
  });
}

test("the user's groups are exactly those given", async () => {
  const user = { uid: 33, gid: 33, additionalGids: [50, 4000] };
  assert.is(await output("id -u; id -g; id -G", { user }), "33\n33\n33 50 4000");
  assert.is(await output("id -G", { user: app }), "1000");
});

test("a user may write to its own standard output by name", async () => {
  assert.is(await output("echo out > /dev/stdout; echo err > /dev/stderr", { user: app }), "out");
});

const forbidden: readonly [what: string, script: string][] = [
  ["mount", "mount -t tmpfs x /tmp"],
  ["unmount", "umount /proc"],
  ["a new user namespace", "unshare -U true"],
  ["a new mount namespace", "unshare -m true"],
  ["another namespace", "nsenter -t 1 -m true"],
  ["the host name", "hostname other"],
  ["the clock", "date -s 2001-01-01; false"],
  ["writing /proc/sys", "echo x > /proc/sys/kernel/core_pattern"],
  ["sysrq", "echo h > /proc/sysrq-trigger"],
  ["writing /sys", "echo 1 > /sys/kernel/uevent_seqnum"],
  ["the memory of PID 1", "cat /proc/1/mem"],
  ["the environment of PID 1", "cat /proc/1/environ"],
  ["the descriptors of PID 1", "for fd in 0 1 2 3 4 5; do cat /proc/1/fd/$fd && exit; done; exit 1"],
  ["the program of PID 1", "cat /proc/1/exe"],
  ["loading a module", "insmod /bin/busybox"],
  ["a chroot break-out by pivot_root", "pivot_root / /tmp"],
];
for (const [what, script] of forbidden) {
  test(`a step is refused ${what}`, async () => {
    const ran = await run(stepSpec(script));
    assert.is.not(ran.exitCode, 0, ran.stdout);
    assert.match(ran.stderr, /not permitted|Permission denied|Read-only|denied|can't/i);
  });
}

test("masked files are empty and masked directories too", async () => {
  const script =
    "for f in kcore keys timer_list interrupts; do [ -e /proc/$f ] && head -c 9 /proc/$f; done; ls -A /proc/acpi /proc/scsi /sys/firmware 2>/dev/null | grep -v :; true";
  assert.is((await output(script)).trim(), "");
});

test("/dev has the usual devices, and they work", async () => {
  assert.is(
    await output("ls /dev"),
    "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero",
  );
  const script =
    "echo x > /dev/null; head -c 4 /dev/zero | od -An -tx1; head -c 8 /dev/urandom | wc -c; echo s > /dev/shm/s; cat /dev/shm/s; echo f > /dev/full";
  const ran = await run(stepSpec(script));
  assert.is(ran.stdout, " 00 00 00 00\n8\ns\n");
  assert.match(ran.stderr, /No space left/);
});

test("a pseudo-terminal can be opened", async () => {
  assert.is(await output("exec 3<>/dev/ptmx && ls /dev/pts"), "0\nptmx");
});

test("without a network there is only lo, and it works", async () => {
  assert.is(await output("ls /sys/class/net"), "lo");
  assert.match(await output("ip addr show lo"), /UP.*[\s\S]*127\.0\.0\.1/);
  assert.is(await output("ping -c 1 -W 1 127.0.0.1 > /dev/null && echo reached"), "reached");
});

test("the host's network is seen only when it was asked for", async () => {
  const server = createServer((_, response) => response.end("reached"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    assert.is(await output(`wget -q -O - ${url}`, { network: "host" }), "reached");
    const ran = await run(stepSpec(`wget -q -O - ${url}`));
    assert.is(ran.exitCode, 1);
    assert.is(ran.stdout, "");
  } finally {
    server.close();
  }
});

test("with the host's network the other seven namespaces and a read-only /sys remain", async () => {
  const script =
    "readlink /proc/self/ns/net; [ -d /sys/class/net/lo ] && echo sys; echo 1 > /sys/kernel/mm/x; ip link set lo down";
  const ran = await run(stepSpec(script, { network: "host" }));
  assert.match(ran.stdout, /^net:\[\d+\]\nsys\n$/);
  assert.match(ran.stderr, /Read-only|can't create/);
  assert.match(ran.stderr, /not permitted/);
});

test("/sys/fs/cgroup shows the step's own cgroup, read-only", async () => {
  const [directory, limit] = probe().cgroup === "v2" ? [".", "memory.max"] : ["memory", "memory.limit_in_bytes"];
  const script = `cd /sys/fs/cgroup/${directory} && cat ${limit}; cut -d : -f 3 /proc/self/cgroup | sort -u; mkdir x`;
  const ran = await run(stepSpec(script, { limits: { memoryBytes: 64 << 20 } }));
  assert.match(ran.stdout, /^67108864\n\/\n/);
  assert.match(ran.stderr, /Read-only/);
});

test("nothing of the host can be reached by a path", async () => {
  const inside = (await output("cut -d ' ' -f 5 /proc/self/mountinfo")).split("\n");
  const own = ["/", "/proc", "/sys", "/dev", "/etc/hosts", "/etc/resolv.conf"];
  const outside = inside.filter((point) => !own.includes(point) && !/^\/(proc|sys|dev)\//.test(point));
  assert.equal(outside, []);
  assert.not.match(mounts().join("\n"), /tsbuild-sandbox/);
});

test.run();
