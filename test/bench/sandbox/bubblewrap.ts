import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contender, MissingContender, Subject } from "./contender.ts";
import { spawned } from "./spawned.ts";

const PROGRAM = "/usr/bin/bwrap";
const FLAGS = ["--unshare-all", "--die-with-parent", "--new-session", "--hostname", "step"];

/** What a step sees read-only, and not at all: Docker's lists. */
const READ_ONLY = ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`);
const MASKED = [
  ...[
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
  ].map((name) => `/proc/${name}`),
  ...["firmware", "devices/virtual/powercap"].map((name) => `/sys/${name}`),
];

/**
 * bwrap with every namespace it has, in two forms: with the mounts of a step, and with as few as a program can do with. It has no
 * overlay, no cgroups and no ids but one, and gets no filter: what counts is the form that at least mounts what a step does.
 */
export async function bubblewrap(subject: Subject): Promise<(Contender | MissingContender)[]> {
  const name = "bwrap --unshare-all";
  if (!existsSync(PROGRAM)) return [{ name, missing: `${PROGRAM} is not there: apt-get install bubblewrap` }];
  const forms = { [`${name}, a step's mounts`]: stepMounts(subject), [`${name}, few mounts`]: fewMounts(subject) };
  const contenders = Object.entries(forms).map(([form, mounts], index) => {
    const commandLine = async (program: string) => [PROGRAM, ...FLAGS, ...mounts, "--", program];
    return spawned({ name: form, peer: index === 0 ? "bwrap" : "bwrap, few mounts", commandLine }, subject);
  });
  return await Promise.all(contenders);
}

function fewMounts({ rootfs }: Subject): string[] {
  return ["--bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/sys", "/sys"];
}

function stepMounts(subject: Subject): string[] {
  const generated = ["hosts", "resolv.conf"].flatMap((name) => {
    const path = join(subject.work, name);
    writeFileSync(path, "");
    return ["--ro-bind", path, `/etc/${name}`];
  });
  const existing = (path: string) => existsSync(path);
  return [
    ...fewMounts(subject),
    ...["--mqueue", "/dev/mqueue", "--tmpfs", "/dev/shm", "--tmpfs", "/sys/fs/cgroup", ...generated],
    ...READ_ONLY.filter(existing).flatMap((path) => ["--ro-bind", path, path]),
    ...MASKED.filter(existing).flatMap((path) =>
      statSync(path).isDirectory() ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path],
    ),
    ...["--cap-drop", "ALL"],
  ];
}
