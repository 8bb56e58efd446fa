import * as assert from "uvu/assert";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { buildProbe } from "./probe.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("network");

/** Tries to connect to an abstract socket, and to open sockets that see more than the step's own. */
const CONNECT = await buildProbe(
  "connect",
  String.raw`
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static void tell(const char *what, int r) { printf("%s: %s\n", what, r < 0 ? strerror(errno) : "open"); }
int main(int argc, char **argv) {
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  strcpy(un.sun_path + 1, argv[1]);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  tell("abstract", connect(s, (void *)&un, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1])));
  tell("vsock", socket(40, SOCK_STREAM, 0));
  tell("alg", socket(38, SOCK_SEQPACKET, 0));
  int p = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  if (p >= 0) {
    struct timeval second = {1, 0};
    char frame[2048];
    setsockopt(p, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    tell("packets of others", recv(p, frame, sizeof frame, 0));
  }
  return 0;
}`.replace("#include <errno.h>", "#include <errno.h>\n#include <stddef.h>"),
);
const image = await hostileImage({ layers: [tar(member({ name: "connect", mode: 0o755, data: CONNECT }))] });

for (const mode of ["default", "none"]) {
  attacks.add(
    `with network ${mode} nothing that listens on the machine alone is reached (CVE-2020-15257)`,
    () => ({
      images: { evil: image },
      flags: ["--no-cache"],
      dockerfile: [
        "FROM evil",
        `RUN --network=${mode} /connect ${attacks.host.abstractSocket}`,
        `RUN --network=${mode} for a in 127.0.0.1 127.0.0.2 localhost 0.0.0.0 [::1] [::ffff:127.0.0.1] 2130706433 10.0.2.2 host.containers.internal host.docker.internal $(ip route 2> /dev/null | sed -n 's/default via \\([^ ]*\\).*/\\1/p'); do wget -q -T 2 -O - http://$a:${attacks.host.port}/ 2> /dev/null && echo reached $a; done; true`,
        `RUN --network=${mode} wget -q -T 2 -O - http://169.254.169.254/latest/meta-data/ 2> /dev/null && echo reached metadata; true`,
        `RUN --network=${mode} ip link set lo down 2> /dev/null && echo changed; ip link add x type veth 2> /dev/null && echo added; ip addr add 1.2.3.4/32 dev lo 2> /dev/null && echo addressed; true`,
      ],
    }),
    ({ code, stderr, printed }) => {
      assert.is(code, 0, stderr);
      const [abstract, vsock, alg, ...rest] = printed;
      assert.is(abstract, "abstract: Connection refused");
      assert.is(vsock, "vsock: Operation not permitted");
      assert.is(alg, "alg: Operation not permitted");
      assert.equal(
        rest.filter((line) => !line.startsWith("packets of others: Resource")),
        [],
      );
    },
  );
}

attacks.add(
  "with network none there is lo and nothing else",
  {
    dockerfile: [
      "FROM busybox",
      "RUN --network=none ls /sys/class/net; cat /etc/resolv.conf; tail -n +2 /proc/net/route",
    ],
  },
  ({ printed, stderr }) => assert.equal(printed, ["lo"], stderr),
);

attacks.each("names for /etc/hosts are names, and no other lines", async ({ build }) => {
  for (const host of ["a\nevil:1.2.3.4", "a b:1.2.3.4", "a:1.2.3.4\n6.6.6.6 b"]) {
    const { code, stderr } = await build({
      flags: ["--add-host", host],
      dockerfile: ["FROM busybox", "RUN --network=none cat /etc/hosts"],
    });
    assert.is(code, 2, stderr);
  }
});

attacks.run();
