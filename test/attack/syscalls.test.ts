import * as assert from "uvu/assert";
import { member, tar } from "../runtime-core/archive-tar.ts";
import { hostileImage } from "./hostile-image.ts";
import { buildProbe } from "./probe.ts";
import { Attacks } from "./rig.ts";

const attacks = new Attacks("system calls");

/** Calls that reach beyond a step: name, number on x86-64, number on i386 (-1: none). */
const CLOSED: readonly (readonly [name: string, x86_64: number, i386: number])[] = [
  ["mount", 165, 21],
  ["umount2", 166, 52],
  ["umount", -1, 22],
  ["pivot_root", 155, 217],
  ["open_tree", 428, 428],
  ["move_mount", 429, 429],
  ["fsopen", 430, 430],
  ["fsconfig", 431, 431],
  ["fsmount", 432, 432],
  ["fspick", 433, 433],
  ["mount_setattr", 442, 442],
  ["unshare", 272, 310],
  ["setns", 308, 346],
  ["open_by_handle_at", 304, 342],
  ["bpf", 321, 357],
  ["perf_event_open", 298, 336],
  ["userfaultfd", 323, 374],
  ["io_uring_setup", 425, 425],
  ["io_uring_enter", 426, 426],
  ["io_uring_register", 427, 427],
  ["keyctl", 250, 288],
  ["add_key", 248, 286],
  ["request_key", 249, 287],
  ["init_module", 175, 128],
  ["finit_module", 313, 350],
  ["delete_module", 176, 129],
  ["kexec_load", 246, 283],
  ["kexec_file_load", 320, -1],
  ["reboot", 169, 88],
  ["swapon", 167, 87],
  ["swapoff", 168, 115],
  ["acct", 163, 51],
  ["quotactl", 179, 131],
  ["settimeofday", 164, 79],
  ["stime", -1, 25],
  ["clock_settime", 227, 264],
  ["sethostname", 170, 74],
  ["setdomainname", 171, 121],
  ["iopl", 172, 110],
  ["ioperm", 173, 101],
  ["vm86", -1, 166],
  ["kcmp", 312, 349],
  ["vhangup", 153, 111],
  ["fanotify_init", 300, 338],
  ["move_pages", 279, 317],
  ["nfsservctl", 180, 169],
];

/** Makes each call with impossible arguments, so that one the filter lets through does nothing, and names what was not refused. */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
static long i386(long n) {
  long r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(-1L), "c"(-1L), "d"(-1L) : "memory", "r8", "r9", "r10", "r11");
  return r < 0 ? -r : 0;
}
static long native(long n) { return syscall(n, -1L, -1L, -1L, -1L, -1L, -1L) < 0 ? errno : 0; }
int main(void) {
  static const struct { const char *name; long x86_64, i386; } closed[] = {
${CLOSED.map(([name, x86, i386]) => `    {"${name}", ${x86}, ${i386}},`).join("\n")}
  };
  unsigned count = sizeof closed / sizeof *closed;
  for (unsigned i = 0; i < count; i++) {
    if (closed[i].x86_64 >= 0 && native(closed[i].x86_64) != EPERM) puts(closed[i].name);
    if (closed[i].i386 >= 0 && i386(closed[i].i386) != EPERM) printf("%s of i386", closed[i].name), puts("");
  }
  for (long n = 0; n < 600; n++)
    if (native(n | 0x40000000) != ENOSYS) printf("%ld of x32", n), puts("");
  for (long n = 470; n < 600; n++)
    if (native(n) != ENOSYS || i386(n) != ENOSYS) printf("%ld of tomorrow", n), puts("");
  if (native(435) != ENOSYS || i386(435) != ENOSYS) puts("clone3");
  for (long bit = 0x20000; bit <= 0x40000000; bit <<= 1) {
    if ((bit & 0x7e020000) == 0) continue;
    errno = 0;
    if (syscall(56, bit | 17, 0, 0, 0, 0) != -1 || errno != EPERM) printf("clone %lx", bit), puts("");
  }
  if (syscall(41, 38, 5, 0) != -1 || errno != EPERM) puts("AF_ALG");
  if (syscall(41, 40, 1, 0) != -1 || errno != EPERM) puts("AF_VSOCK");
  if (native(39) != 0) puts("getpid is refused");
  puts("probed");
  return 0;
}`;

if (process.arch === "x64") {
  const probe = await hostileImage({
    layers: [tar(member({ name: "probe", mode: 0o755, data: await buildProbe("probe", PROBE) }))],
  });
  attacks.add(
    "what reaches beyond the step is closed for root and for a user of it, by every instruction set",
    { images: { probe }, dockerfile: ["FROM probe", "RUN /probe", "USER 1000", "RUN /probe"] },
    ({ code, printed, stderr }) => {
      assert.is(code, 0, stderr);
      assert.equal(printed, ["probed", "probed"]);
    },
  );
}

attacks.run();
