import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { commandOutput } from "../helpers/command.ts";
import { busybox, freshDirectory, freshRootfs, output } from "./sandbox-fixture.ts";

const test = suite("sandbox system calls");

/** Makes the call `argv[2]` with the arguments that follow, in the way `argv[1]` names, and prints its errno. */
const PROBE = String.raw`
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  long n = strtol(argv[2], 0, 0), a[3] = {0, 0, 0}, r;
  for (int i = 3; i < argc; i++) a[i - 3] = strtol(argv[i], 0, 0);
#ifdef __x86_64__
  if (!strcmp(argv[1], "i386")) {
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a[0]), "c"(a[1]), "d"(a[2]) : "memory", "r8", "r9", "r10", "r11");
    printf("%ld\n", r < 0 ? -r : 0);
    return 0;
  }
  if (!strcmp(argv[1], "x32")) n |= 0x40000000;
#endif
  r = syscall(n, a[0], a[1], a[2], 0, 0, 0);
  printf("%d\n", r < 0 ? errno : 0);
}`;

const EPERM = "1";
const ENOSYS = "38";

/** Every call fails in the filter, before the kernel looks at its arguments. */
const closed: readonly [name: string, way: string, call: readonly number[], errno: string][] = [
  ["mount", "native", [165], EPERM],
  ["mount by int 0x80", "i386", [21], EPERM],
  ["unshare a user namespace", "native", [272, 0x10000000], EPERM],
  ["clone a user namespace", "native", [56, 0x10000011], EPERM],
  ["clone a user namespace by int 0x80", "i386", [120, 0x10000011], EPERM],
  ["clone3", "native", [435], ENOSYS],
  ["setns", "native", [308], EPERM],
  ["bpf", "native", [321], EPERM],
  ["bpf by int 0x80", "i386", [357], EPERM],
  ["keyctl", "native", [250], EPERM],
  ["add_key", "native", [248], EPERM],
  ["io_uring_setup", "native", [425], EPERM],
  ["io_uring_setup by int 0x80", "i386", [425], EPERM],
  ["userfaultfd", "native", [323], EPERM],
  ["perf_event_open", "native", [298], EPERM],
  ["open_by_handle_at", "native", [304], EPERM],
  ["fsopen", "native", [430], EPERM],
  ["open_tree", "native", [428], EPERM],
  ["kexec_load", "native", [246], EPERM],
  ["init_module", "native", [175], EPERM],
  ["an AF_ALG socket", "native", [41, 38, 5, 0], EPERM],
  ["an AF_VSOCK socket", "native", [41, 40, 1, 0], EPERM],
  ["an AF_ALG socket by int 0x80", "i386", [359, 38, 5, 0], EPERM],
  ["personality ADDR_NO_RANDOMIZE", "native", [135, 0x40000], EPERM],
  ["getpid of x32", "x32", [39], ENOSYS],
  ["a call of tomorrow", "native", [900], ENOSYS],
  ["getpid", "native", [39], "0"],
  ["getpid by int 0x80", "i386", [20], "0"],
  ["a netlink socket", "native", [41, 16, 3, 0], "0"],
];

if (process.arch === "x64") {
  test("what reaches beyond the step is closed in every way a program can call", async () => {
    const tools = freshDirectory();
    writeFileSync(join(tools, "probe.c"), PROBE);
    await commandOutput(["cc", "-static", "-O1", "-o", join(tools, "probe"), join(tools, "probe.c")]);
    const script = closed.map(([, way, call]) => `/probe ${way} ${call.join(" ")}`).join("\n");
    const told = (await output(script, { rootfs: freshRootfs([busybox, tools]) })).split("\n");
    const named = (errnos: readonly (string | undefined)[]) => closed.map(([name], i) => `${name}: ${errnos[i]}`);
    assert.equal(named(told), named(closed.map(([, , , errno]) => errno)));
  });
}

test("programs run that were built for it: threads, pipes, sockets, /proc", async () => {
  assert.is(
    await output("(echo a | cat) | sort | head -n 1; stat -c %F /proc/self/exe; sync; date +%Y > /dev/null"),
    "a\nsymbolic link",
  );
});

test.run();
