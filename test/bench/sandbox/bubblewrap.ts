import { existsSync } from "node:fs";
import type { Contender, MissingContender, Subject } from "./contender.ts";
import { spawned } from "./spawned.ts";

const PROGRAM = "/usr/bin/bwrap";

/** bwrap with every namespace it has and a root like a step's. It has no overlay, cgroup or filter to give. */
export async function bubblewrap(subject: Subject): Promise<Contender | MissingContender> {
  const name = "bwrap --unshare-all";
  if (!existsSync(PROGRAM)) return { name, missing: `${PROGRAM} is not there: apt-get install bubblewrap` };
  const root = ["--bind", subject.rootfs, "/", "--proc", "/proc", "--dev", "/dev", "--ro-bind", "/sys", "/sys"];
  const flags = ["--unshare-all", "--die-with-parent", "--new-session", "--hostname", "step", ...root];
  return spawned({ name, peer: "bwrap", commandLine: async (program) => [PROGRAM, ...flags, "--", program] }, subject);
}
