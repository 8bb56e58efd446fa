import * as assert from "uvu/assert";
import { member, pax, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { buildProbe } from "./probe.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("devices and programs with other rights");

const MODE = 0o666;
const devices = await hostileImage({
  layers: [
    tar(
      member({ name: "mem", type: "3", mode: MODE, device: [1, 1] }),
      member({ name: "kmsg", type: "3", mode: MODE, device: [1, 11] }),
      member({ name: "fuse", type: "3", mode: MODE, device: [10, 229] }),
      member({ name: "tun", type: "3", mode: MODE, device: [10, 200] }),
      member({ name: "null", type: "3", mode: MODE, device: [1, 3] }),
      ...[0, 1, 254].map((minor) => member({ name: `disk${minor}`, type: "4", mode: MODE, device: [8, minor] })),
      member({ name: "virtual", type: "4", mode: MODE, device: [254, 0] }),
    ),
  ],
});

attacks.add(
  "device nodes of a base image cannot be opened",
  {
    images: { devices },
    dockerfile: [
      "FROM devices",
      "RUN for d in /mem /kmsg /fuse /tun /null /disk* /virtual; do [ -e $d ] || continue; (head -c 1 < $d) > /dev/null 2>&1 && echo read $d; (true > $d) 2> /dev/null && echo written $d; done; true",
    ],
  },
  ({ code, printed, stderr }) => {
    assert.is(code, 0, stderr);
    assert.equal(printed, []);
  },
);

attacks.add(
  "a step makes no device node that could be opened",
  {
    dockerfile: [
      "FROM busybox",
      "RUN for n in 'b 8 0' 'b 254 0' 'c 1 1' 'c 1 2' 'c 1 11' 'c 10 229' 'c 10 232' 'c 4 64'; do for d in / /dev /tmp /dev/shm; do rm -f $d/x; mknod $d/x $n 2> /dev/null && head -c 1 $d/x && echo opened $n in $d; rm -f $d/x; done; done; true",
    ],
  },
  ({ code, printed, stderr }) => {
    assert.is(code, 0, stderr);
    assert.equal(printed, []);
  },
);

attacks.add(
  "nodes of /dev are the machine's to change, not the step's",
  {
    dockerfile: [
      "FROM busybox",
      "RUN for d in null zero full random urandom tty; do chmod 600 /dev/$d; chown 1:1 /dev/$d; touch -d 1999-01-01 /dev/$d; rm -f /dev/$d; mv /dev/$d /dev/moved; done 2> /dev/null; stat -c '%n %a %F' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; echo x > /dev/null; ls /dev",
    ],
  },
  ({ printed, code, stderr }) => {
    assert.is(code, 0, stderr);
    const nodes = ["null", "zero", "full", "random", "urandom", "tty"];
    assert.equal(
      printed.slice(0, 6),
      nodes.map((name) => `/dev/${name} 666 character special file`),
    );
    assert.equal(
      printed.slice(6),
      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero".split(" "),
    );
  },
);

const probe = await buildProbe(
  "ids",
  `
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d %d\\n", geteuid(), setuid(0)); return 0; }`,
);
const programs = await hostileImage({
  layers: [
    tar(
      member({ name: "setuid", mode: 0o4755, data: probe }),
      member({ name: "setgid", mode: 0o2755, data: probe }),
      pax({ "SCHILY.xattr.security.capability": Buffer.from("0100000200ffffff00000000ff01000000000000", "hex") }),
      member({ name: "capable", mode: 0o755, data: probe }),
    ),
  ],
});
const RUN_THEM = "RUN for p in /setuid /setgid /capable; do $p 2> /dev/null || echo refused; done";

attacks.add(
  "a setuid program of an image gives the step's root and no more",
  {
    images: { programs },
    dockerfile: ["FROM programs", "USER 1000", RUN_THEM, "RUN /setuid; grep CapEff /proc/self/status"],
  },
  ({ printed, code, stderr }) => {
    assert.is(code, 0, stderr);
    assert.is(printed[0], "0 0", "sudo works in a RUN");
    assert.match(printed.at(-1) ?? "", /^CapEff:\s+0000000000000000$/);
  },
);

attacks.add(
  "with no-new-privileges it gives nothing",
  {
    images: { programs },
    flags: ["--security-opt", "no-new-privileges"],
    dockerfile: ["FROM programs", "USER 1000", RUN_THEM],
  },
  ({ printed, stderr }) => assert.equal(printed, ["1000 -1", "1000 -1", "refused"], stderr),
);

attacks.add(
  "capabilities are Docker's, whatever a program asks for",
  {
    dockerfile: [
      "FROM busybox",
      "RUN grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status | tr -d '\\t'; ulimit -c; umask; id -G; hostname; tty; true",
      "USER 1000:1000",
      "RUN grep -E '^(Cap)' /proc/self/status | tr -d '\\t'",
    ],
  },
  ({ printed }) => {
    const caps = (prm: string) => [
      `CapInh:${ZERO}`,
      `CapPrm:${prm}`,
      `CapEff:${prm}`,
      `CapBnd:${DOCKERS}`,
      `CapAmb:${ZERO}`,
    ];
    assert.equal(printed.slice(0, 9), [...caps(DOCKERS), "NoNewPrivs:0", "Seccomp:2", "0", "0022"]);
    assert.equal(printed.slice(-5), caps(ZERO));
    assert.equal(printed.slice(9, -5), ["0", "buildkitsandbox", "not a tty"]);
  },
);

const ZERO = "0".repeat(16);
const DOCKERS = "00000000a80425fb";

attacks.run();
