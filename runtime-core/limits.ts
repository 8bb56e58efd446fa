import { binding, nativeFailure } from "./native.ts";
import { nativeSandboxError } from "./sandbox-error.ts";

/** What cgroups hold, of a step or of all steps of a build together. Absent is unlimited; bytes and counts are whole numbers. */
export interface CgroupLimits {
  /** At least `MIN_MEMORY_BYTES`. */
  readonly memoryBytes?: number;
  /**
   * Memory and swap together, at least `memoryBytes`, which must be there too; -1 for all swap there is. Default: twice the
   * memory, as in Docker.
   */
  readonly memorySwapBytes?: number;
  /** Processes and threads. */
  readonly pids?: number;
  /** Cores: 1.5 is one and a half. */
  readonly cpus?: number;
  /** Instead of `cpus`: µs of processor time in each period of `cpuPeriodUs`, 1000 at least. */
  readonly cpuQuotaUs?: number;
  /** 1000 to 1000000, 100000 unless given. It limits nothing without a quota. */
  readonly cpuPeriodUs?: number;
  /** Share of a busy processor, 2 to 262144, where everyone's is 1024. On cgroup v2 it becomes the weight that runc gives. */
  readonly cpuShares?: number;
  /** The processors, `0-2,4`. */
  readonly cpusetCpus?: string;
  /** The memory nodes, `0,1`. */
  readonly cpusetMems?: string;
  /** Bytes a second from and to the disk that steps write to, and operations a second. */
  readonly ioReadBps?: number;
  readonly ioWriteBps?: number;
  readonly ioReadIops?: number;
  readonly ioWriteIops?: number;
}

/** What one step may use. */
export interface SandboxLimits extends CgroupLimits {
  /** Of each process of the step. What is not named is the caller's, but for core files, of which there are none. */
  readonly ulimits?: readonly Ulimit[];
  /** Bytes of /dev/shm; 64 MiB unless given, as in Docker. */
  readonly shmSizeBytes?: number;
  /** Milliseconds from the start of the step to SIGTERM, at most `MAX_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /**
   * What the step may write to its root, its caches and its writable binds, in bytes: a file counts as its blocks or its length,
   * whichever is more, and 4096 at least. A step that is over it is killed, some milliseconds later; tmpfs is memory, and does not count.
   * No single file, on a tmpfs either, becomes longer: the process that tries gets SIGXFSZ, or EFBIG where it ignores that.
   */
  readonly diskQuotaBytes?: number;
  /** Bytes in a second of a private network, in each direction. It slows a step, and is never hit. */
  readonly netBps?: number;
}

/** The least memory that a step may be held to, 6 MiB as in Docker. */
export const MIN_MEMORY_BYTES: number = 6 * 1024 ** 2;

/** The most that setTimeout takes: 24 days. */
export const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/** Docker's names of resource limits (getrlimit(2)), and `as`. */
export const ULIMIT_NAMES = [
  "as",
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
] as const;

/** The soft limit is at most the hard one; -1 is unlimited, and more than any number. */
export interface Ulimit {
  readonly name: (typeof ULIMIT_NAMES)[number];
  readonly soft: number;
  readonly hard: number;
}

/** A limit that this machine cannot enforce. */
export interface LimitRefusal {
  /** Its name in the limits. */
  readonly limit: keyof SandboxLimits;
  /** Of one step, or of the build. */
  readonly scope: "step" | "build";
  /** Why, as a clause: `the blkio cgroup controller is not mounted`. */
  readonly reason: string;
  /** What to do about it, an imperative. */
  readonly remedy: string;
}

/**
 * Tries every limit on this machine, by itself, and says which cannot be enforced: none is the good answer. `directory` is where
 * steps write, since io limits need its disk. A few milliseconds, and nothing stays behind. Throws SandboxError
 * SANDBOX_INVALID_SPEC for a value that makes no sense anywhere.
 */
export async function checkLimits(
  limits: SandboxLimits,
  directory: string,
  buildLimits: CgroupLimits = {},
): Promise<readonly LimitRefusal[]> {
  const refused = await native(() => binding().refusedLimits(toNative(limits), toNative(buildLimits), directory));
  return refused.map(({ limit, isOfBuild, reason, remedy }) => ({
    limit: limit as keyof SandboxLimits,
    scope: isOfBuild ? "build" : "step",
    reason,
    remedy,
  }));
}

/** A cgroup around those of several steps, with limits of what they use together. It holds no process of its own. */
export class SandboxGroup {
  /** What the addon knows it by. */
  readonly id: number;
  readonly limits: CgroupLimits;

  private constructor(id: number, limits: CgroupLimits) {
    this.id = id;
    this.limits = limits;
  }

  /**
   * Makes it for steps with `stepLimits` that write below `directory`. Throws SandboxError SANDBOX_LIMIT_UNSUPPORTED and
   * SANDBOX_INVALID_SPEC. What a killed process leaves of it is removed by the next that makes a cgroup.
   */
  static async open(limits: CgroupLimits, stepLimits: SandboxLimits, directory: string): Promise<SandboxGroup> {
    const id = await native(() => binding().openSandboxGroup(toNative(limits), toNative(stepLimits), directory));
    return new SandboxGroup(id, limits);
  }

  /** Removes it. Its steps must have ended. */
  async close(): Promise<void> {
    await native(() => binding().closeSandboxGroup(this.id));
  }
}

type NativeLimits = Parameters<ReturnType<typeof binding>["prepareSandbox"]>[2];

/** The limits as they cross the seam. */
export function toNative({ timeoutMs: _, ulimits, ...limits }: SandboxLimits): NativeLimits {
  return { ...limits, ...(ulimits === undefined ? {} : { ulimits: ulimits.map((ulimit) => ({ ...ulimit })) }) };
}

async function native<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : nativeSandboxError(failure);
  }
}
