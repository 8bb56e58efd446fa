import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { type ExecMount, type ExecOp, topologicalOrder, type Vertex } from "./llb/index.ts";
import type { BuildOptions } from "./options.ts";

/** What is told of a build whose steps only chroot(2) fences. */
export const CHROOT_WARNING = {
  code: "IsolationChroot",
  message:
    "RUN steps share the processes, the network and the kernel's view of this container, and have no /proc: --isolation chroot fences them by a root of their own and fewer capabilities, nothing else",
} as const;

/** Refuses what chroot isolation cannot give to a whole build. Throws BuildError ISOLATION_UNSUPPORTED. */
export function checkIsolationOptions({ isolation, network, allowNet, limits = {} }: BuildOptions): void {
  if (isolation !== "chroot") return;
  if (network !== undefined && network !== "host") {
    throw unsupported(
      `--network ${network}`,
      "a step has the container's own network there: leave --network out, and close the container's instead",
    );
  }
  const restricted = allowNet !== undefined ? "--allow-net" : limits.netBps !== undefined ? "--net-bps" : undefined;
  if (restricted !== undefined) {
    throw unsupported(restricted, "a step has the container's own network there: restrict the container's instead");
  }
  if (limits.shmSizeBytes !== undefined) {
    throw unsupported("--shm-size", "/dev/shm is a directory of the disk there, and has no size: leave it out");
  }
  if (limits.diskQuotaBytes !== undefined) {
    throw unsupported("--disk-quota", "what a step writes lies in a copy of its whole root there: leave it out");
  }
  if (limits.ioWriteBps !== undefined || limits.ioWriteIops !== undefined) {
    throw unsupported(
      "a limit of writes",
      "without a mount of its own a step writes through the page cache: leave it out",
    );
  }
}

function unsupported(what: string, hint: string): BuildError {
  return new BuildError("ISOLATION_UNSUPPORTED", `${what} cannot be had with --isolation chroot`, { hint });
}

/**
 * Refuses a build with a step that chroot isolation cannot run as it asks, before any of them runs. Throws BuildError
 * ISOLATION_UNSUPPORTED at the flag.
 */
export function checkIsolation(target: Vertex, { isolation }: BuildOptions, source: SourceFile): void {
  if (isolation !== "chroot") return;
  for (const { op, range, wordRanges } of topologicalOrder(target)) {
    const refused = op.type === "exec" ? refusedOf(op) : undefined;
    if (refused === undefined) continue;
    throw new BuildError("ISOLATION_UNSUPPORTED", `${refused.what} cannot be had with --isolation chroot`, {
      hint: refused.hint,
      range: wordRanges?.get(refused.flag) ?? range,
      source,
    });
  }
}

interface Refused {
  readonly what: string;
  /** A key of the vertex's `wordRanges`. */
  readonly flag: string;
  readonly hint: string;
}

function refusedOf({ network, security, mounts = [] }: ExecOp): Refused | undefined {
  if (network === "none") {
    const hint = "a step has the container's own network there: leave the flag out if the step may reach it";
    return { what: "RUN --network=none", flag: "--network", hint };
  }
  if (security === "insecure") {
    const hint = "a step never has more than the container's own privileges there: leave the flag out";
    return { what: "RUN --security=insecure", flag: "--security", hint };
  }
  if (mounts.some((mount) => mount.type === "tmpfs" && mount.sizeBytes !== undefined)) {
    const hint = "an empty directory of the disk stands for a tmpfs there, and has no size: leave size= out";
    return { what: "a tmpfs of a given size", flag: "--mount", hint };
  }
  if (hasCacheTwice(mounts)) {
    const hint = "a cache is moved to its place there, and can be at one only: leave the second mount out";
    return { what: "one cache at two targets", flag: "--mount", hint };
  }
  return undefined;
}

function hasCacheTwice(mounts: readonly ExecMount[]): boolean {
  const caches = mounts.flatMap((mount) =>
    mount.type === "cache" && !mount.readonly ? [JSON.stringify([mount.id, mount.initial])] : [],
  );
  return new Set(caches).size < caches.length;
}
