import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { member, type RawMember, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("/proc, /sys and /dev");
const { bait } = attacks.host;

/** What an image puts where the kernel's filesystems go, and what stays of it once they are there. */
const IMAGES: Readonly<Record<string, { readonly members: readonly RawMember[]; readonly refused?: RegExp }>> = {
  "/proc is a link (CVE-2019-19921, CVE-2025-52881)": {
    members: [
      { name: "proc", type: "2", link: "/tmp/p" },
      { name: "tmp/p", type: "5", mode: 0o777 },
    ],
    refused: /proc/,
  },
  "/sys is a link out": { members: [{ name: "sys", type: "2", link: bait }], refused: /sys/ },
  "/dev is a link that climbs (CVE-2026-41579)": {
    members: [{ name: "dev", type: "2", link: `../../../../..${bait}` }],
    refused: /dev/,
  },
  "/proc is a file": { members: [{ name: "proc", data: "x" }], refused: /proc/ },
  "masks and terminals are links (CVE-2025-31133, CVE-2025-52565)": {
    members: [
      { name: "dev", type: "5", mode: 0o755 },
      { name: "dev/pts", type: "5", mode: 0o755 },
      { name: "dev/null", type: "2", link: "/proc/sys/kernel/core_pattern" },
      { name: "dev/console", type: "2", link: "/proc/sysrq-trigger" },
      { name: "dev/pts/0", type: "2", link: "/proc/sysrq-trigger" },
      { name: "dev/ptmx", type: "2", link: "/proc/sysrq-trigger" },
    ],
  },
  "/etc/hosts and /etc/resolv.conf are links out": {
    members: [
      { name: "etc/hosts", type: "2", link: `${bait}/file` },
      { name: "etc/resolv.conf", type: "2", link: `../../../../../..${bait}/file` },
    ],
  },
};

for (const [what, { members, refused }] of Object.entries(IMAGES)) {
  attacks.add(
    what,
    async () => ({
      images: { evil: await hostileImage({ layers: [tar(...members.map(member))] }) },
      dockerfile: [
        "FROM evil",
        "RUN { echo '|/x' > /dev/null; echo evil > /etc/hosts; head -c 100 /proc/kcore; } 2> /dev/null; stat -c %F /dev/null /proc/self/exe; wc -c < /proc/timer_list",
      ],
    }),
    ({ code, stderr, printed }) => {
      if (refused !== undefined) {
        assert.is(code, 1);
        assert.match(stderr, new RegExp(`^error: .*${refused.source}.*\\[SANDBOX_[A-Z_]+\\]$`, "m"));
        return;
      }
      assert.is(code, 0, stderr);
      assert.equal(printed.slice(-3), ["character special file", "symbolic link", "0"]);
    },
  );
}

/** Nothing may be mounted over what keeps the step in. */
const TARGETS = ["/proc", "/proc/sys", "/proc/self/fd", "/sys", "/sys/fs/cgroup", "/dev", "/dev/null", "/"] as const;

attacks.each("nothing is mounted over /proc, /sys, /dev or the root, nor made there for it", async (attacker) => {
  const types = ["type=cache", "type=tmpfs", "type=bind,rw", "type=secret,id=s"];
  for (const [index, target] of TARGETS.entries()) {
    const type = types[index % types.length];
    const outcome = await attacker.build({
      flags: ["--secret", "id=s,src=/etc/hostname"],
      dockerfile: [
        "FROM busybox",
        `RUN --mount=${type},target=${target} echo x > ${target}/core_pattern; ls ${target}`,
      ],
    });
    if (outcome.code !== 0) assert.match(outcome.stderr, /^error: .*\[[A-Z_]+\]$/m);
  }
});

const WRITES: readonly string[] = [
  "echo '|/x' > /proc/sys/kernel/core_pattern",
  "echo /x > /proc/sys/kernel/modprobe",
  "echo b > /proc/sysrq-trigger",
  "echo 1 > /proc/sys/kernel/panic",
  "echo x > /proc/sys/fs/binfmt_misc/register",
  "echo 1 > /proc/sys/vm/overcommit_memory",
  "echo 0 > /proc/irq/default_smp_affinity",
  "echo 1 > /sys/kernel/uevent_helper",
  "echo 0 > /sys/kernel/mm/ksm/run",
  "echo 1 > /sys/block/vda/queue/nr_requests",
  "mkdir /sys/fs/cgroup/x",
  "for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name memory.max -o -name memory.limit_in_bytes); do echo 0 > $f && false; done; false",
  "mkdir /tmp/c; mount -t cgroup -o rdma c /tmp/c",
  "unshare -UrmC sh -c 'mkdir /c; mount -t cgroup -o rdma c /c'",
  "mount -t proc p /mnt || mount --bind /proc/sys /tmp || mount -o remount,rw /proc/sys",
  "umount /proc/kcore || umount /proc/timer_list || umount /sys/firmware || umount /proc",
  "mv /proc/sys /proc/x || rmdir /proc/sys || ln -sf /etc/passwd /proc/sys/kernel/core_pattern",
  "echo 0 0 1 > /proc/self/uid_map",
  "echo x > /proc/1/comm",
  "cat /proc/kcore | head -c 1 | grep .",
  "cat /proc/keys /proc/timer_list /proc/sched_debug /proc/latency_stats /proc/interrupts 2> /dev/null | grep .",
  "ls -A /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap 2> /dev/null | grep -v :$ | grep .",
  "cat /proc/kmsg || dmesg | grep .",
  "cat /sys/kernel/debug/* || cat /sys/kernel/tracing/* || cat /sys/kernel/security/*",
];

attacks.add(
  "nothing of the kernel is changed or read (CVE-2022-0492)",
  {
    dockerfile: [
      "FROM busybox",
      ...WRITES.map((command, index) => `RUN { (${command}) 2> /dev/null > /dev/null && echo done-${index}; } || true`),
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    assert.equal(
      printed.flatMap((line) => WRITES[Number(line.replace("done-", ""))] ?? line),
      [],
    );
  },
);

attacks.add(
  "mount flags are as strict as runc's, and nothing of the machine is among the mounts",
  {
    dockerfile: [
      "FROM busybox",
      "RUN cut -d ' ' -f 5,6 /proc/self/mountinfo | sed 's/relatime,\\?//'",
      "RUN cut -d ' ' -f 7 /proc/self/mountinfo | sort -u",
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    const options = new Map(printed.map((line) => [line.split(" ")[0], (line.split(" ")[1] ?? "").split(",")]));
    for (const [point, wanted] of Object.entries(MOUNTS)) {
      // Kernels are built with and without some of /proc.
      if (point.startsWith("/proc/") && !existsSync(point)) continue;
      for (const option of wanted.split(","))
        assert.ok(options.get(point)?.includes(option), `${point} lacks ${option}`);
    }
    assert.not.match(printed.join("\n"), /shared:|master:|propagate_from:|tsbuild-/);
  },
);

const MOUNTS: Readonly<Record<string, string>> = {
  "/": "rw,nodev",
  "/proc": "rw,nosuid,nodev,noexec",
  "/proc/sys": "ro,nosuid,nodev,noexec",
  "/proc/sysrq-trigger": "ro,nosuid,nodev,noexec",
  "/proc/bus": "ro",
  "/proc/fs": "ro",
  "/proc/irq": "ro",
  "/sys": "ro,nosuid,nodev,noexec",
  "/sys/fs/cgroup": "ro,nosuid,nodev,noexec",
  "/dev": "rw,nosuid",
  "/dev/pts": "nosuid,noexec",
  "/dev/shm": "nosuid,nodev,noexec",
  "/dev/mqueue": "nosuid,nodev,noexec",
  "/dev/null": "ro,nosuid,noexec",
  "/etc/hosts": "ro,nosuid,nodev,noexec",
  "/etc/resolv.conf": "ro,nosuid,nodev,noexec",
};

attacks.run();
