import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { prepareSandbox, runSandbox, type SandboxSpec } from "../../../runtime-core/index.ts";
import type { Contender, Subject } from "./contender.ts";
import { busyFor } from "./pause.ts";

/** A sandbox is prepared within some 6 ms; in a build that happens while the step before it runs. */
const PREPARATION_MS = 25;

/**
 * A step as a build runs it: overlay, eight namespaces, cgroups, filter. Timed around `runSandbox`, in Node: the call, the
 * threads and the promise are in it, and the removal of the cgroup.
 */
export async function tsbuildStep(ahead: boolean, subject: Subject): Promise<Contender> {
  const step = async (program: string) => {
    const spec = freshSpec(program, subject);
    if (ahead) prepareSandbox(spec);
    busyFor(PREPARATION_MS);
    const startedAt = performance.now();
    const { exitCode } = await runSandbox(spec, {}, { isLast: true });
    const ms = performance.now() - startedAt;
    rmSync(join(spec.rootfs.upper, ".."), { recursive: true });
    return { ms, exitCode };
  };
  const name = `tsbuild's step, ${ahead ? "prepared ahead" : "started anew"}`;
  const failing = await step(subject.failing);
  if (failing.exitCode !== 1) throw new Error(`${name}: the failing program ended with ${failing.exitCode}`);
  return {
    name,
    peer: ahead ? "tsbuild, prepared ahead" : "tsbuild",
    run: async () => {
      const { ms, exitCode } = await step(subject.program);
      if (exitCode !== 0) throw new Error(`${name}: exit code ${exitCode}`);
      return ms;
    },
    close: async () => {},
  };
}

let count = 0;

/** A spec with limits and an upper of its own, as every step of a build has. */
export function freshSpec(program: string, { rootfs, work }: Subject): SandboxSpec {
  const place = join(work, `step-${++count}`);
  for (const name of ["upper", "work"]) mkdirSync(join(place, name), { recursive: true });
  return {
    rootfs: { lowers: [rootfs], upper: join(place, "upper"), work: join(place, "work") },
    argv: [program],
    env: ["PATH=/bin"],
    cwd: "/",
    user: { uid: 0, gid: 0, additionalGids: [] },
    hostname: "step",
    network: "none",
    hosts: "127.0.0.1 localhost\n",
    resolvConf: "nameserver 192.0.2.1\n",
    limits: { memoryBytes: 1 << 30, pids: 1000, cpus: 2 },
    noNewPrivileges: false,
    mounts: [],
  };
}
