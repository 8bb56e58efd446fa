import { spawnSync } from "node:child_process";

/** The cgroups, in any hierarchy, of the steps of the builder with this process id: `NAMESPACE-PID-…`. */
export function stepCgroups(builder: number): string[] {
  // find fails when a cgroup of somebody else goes while it looks.
  const { stdout } = spawnSync("find", ["/sys/fs/cgroup", "-maxdepth", "7", "-type", "d", "-name", `*-${builder}-*`]);
  return stdout.toString().split("\n").filter(Boolean);
}
