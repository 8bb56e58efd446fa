import type { LimitHit } from "../../runtime-core/index.ts";
import { formatByteSize } from "../byte-size.ts";
import { formatDuration } from "../duration.ts";

/** `memory limit 256 MiB`, `pids limit 100: 3 forks were refused`: what the kernel has told, and no more. */
export function limitText(hit: LimitHit): string {
  switch (hit.type) {
    case "memory":
      return hit.bytes === undefined
        ? `out of memory: ${count(hit.kills, "process was", "processes were")} killed`
        : `${ofBuild(hit)}memory limit ${formatByteSize(hit.bytes)}`;
    case "pids":
      return `${ofBuild(hit)}pids limit ${hit.count ?? "of this machine"}: ${count(hit.refused, "fork was", "forks were")} refused`;
    case "disk":
      return `disk quota ${formatByteSize(hit.bytes)}`;
    case "timeout":
      return `timeout ${formatDuration(hit.ms)}`;
    case "cpuTime":
      return `cpu time limit ${hit.seconds} s`;
    case "fileSize":
      return `file size limit ${hit.setBy === "ulimit" ? "" : "of disk quota "}${formatByteSize(hit.bytes)}`;
  }
}

/** What to do about it: the flag that raises the limit. */
export function limitHint(hit: LimitHit): string {
  switch (hit.type) {
    case "memory":
      return hit.bytes === undefined
        ? "the machine, or a cgroup around the build, had no more: run fewer steps at once, or hold them with --memory"
        : `raise it with ${hit.scope === "build" ? "--build-limit memory=BYTES" : "--memory"}`;
    case "pids":
      if (hit.count === undefined) return "a cgroup around the build allows no more processes";
      return `if that is why the command failed, raise it with ${hit.scope === "build" ? "--build-limit pids=NUMBER" : "--pids-limit"}`;
    case "disk":
      return "raise it with --disk-quota";
    case "timeout":
      return "raise it with --timeout";
    case "cpuTime":
      return "raise it with --ulimit cpu=SECONDS";
    case "fileSize":
      return hit.setBy === "ulimit"
        ? "raise it with --ulimit fsize=BYTES"
        : "with a disk quota no single file may be larger, in /dev/shm and tmpfs mounts neither: raise it with --disk-quota";
  }
}

function ofBuild({ scope }: { readonly scope: string }): string {
  return scope === "build" ? "build " : "";
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
