import { constants } from "node:os";
import type { CgroupLimits, SandboxLimits } from "./limits.ts";
import type { SandboxReport } from "./sandbox-process.ts";

/** Whose limit it is: the step's, the build's, or one that the machine has set around both. */
export type LimitScope = "step" | "build" | "machine";

/** A limit that a step met, and its value where it is known. Every member is a fact that the kernel, or the clock, has told. */
export type LimitHit =
  | {
      /** The kernel killed processes for want of memory. */
      readonly type: "memory";
      readonly scope: LimitScope;
      readonly bytes?: number;
      readonly kills: number;
    }
  | {
      /** The kernel refused to make processes. Whether the command failed of that, only the command knows. */
      readonly type: "pids";
      readonly scope: LimitScope;
      readonly count?: number;
      readonly refused: number;
    }
  /** The step was ended at its disk quota, was over it when it ended, or failed with nothing of it left. */
  | { readonly type: "disk"; readonly bytes: number }
  | { readonly type: "timeout"; readonly ms: number }
  /** A process used more processor time than its ulimit `cpu`. */
  | { readonly type: "cpuTime"; readonly seconds: number }
  /** A process would have made a file, on the disk or in memory, larger than its ulimit `fsize`, or than the whole disk quota. */
  | { readonly type: "fileSize"; readonly bytes: number; readonly setBy: "ulimit" | "diskQuota" };

/** How a step ended, as far as limits can tell. */
export interface LimitEvidence {
  readonly limits: SandboxLimits;
  /** Of the build, where there are any. */
  readonly groupLimits: CgroupLimits;
  readonly report: SandboxReport;
  readonly exitCode: number;
  readonly cpuMs: number;
  readonly hasTimedOut: boolean;
}

/** Every limit that the step met, the one that ended it first. */
export function limitHits(evidence: LimitEvidence): readonly LimitHit[] {
  const { limits, hasTimedOut } = evidence;
  const hits = [
    hasTimedOut ? ({ type: "timeout", ms: limits.timeoutMs ?? 0 } as const) : undefined,
    memoryHit(evidence),
    diskHit(evidence),
    fileSizeHit(evidence),
    cpuTimeHit(evidence),
    pidsHit(evidence),
  ];
  return hits.filter((hit) => hit !== undefined);
}

function memoryHit({ limits, groupLimits, report }: LimitEvidence): LimitHit | undefined {
  const kills = report.oomKills;
  if (kills === 0) return undefined;
  if (limits.memoryBytes !== undefined && report.memoryWasFull) {
    return { type: "memory", scope: "step", bytes: limits.memoryBytes, kills };
  }
  if (groupLimits.memoryBytes !== undefined && report.groupMemoryWasFull) {
    return { type: "memory", scope: "build", bytes: groupLimits.memoryBytes, kills };
  }
  return { type: "memory", scope: "machine", kills };
}

/** The kernel counts refusals where the process was, or, on cgroup v2 since Linux 6.11, where the limit is. */
function pidsHit({ limits, groupLimits, report }: LimitEvidence): LimitHit | undefined {
  const refused = report.forksRefused + report.groupForksRefused;
  if (refused === 0) return undefined;
  const wasFull = report.pidsPeak === undefined || report.pidsPeak >= (limits.pids ?? Number.POSITIVE_INFINITY);
  if (limits.pids !== undefined && wasFull) return { type: "pids", scope: "step", count: limits.pids, refused };
  if (groupLimits.pids !== undefined) return { type: "pids", scope: "build", count: groupLimits.pids, refused };
  return { type: "pids", scope: "machine", refused };
}

function diskHit({ limits: { diskQuotaBytes: bytes }, report, exitCode }: LimitEvidence): LimitHit | undefined {
  if (bytes === undefined) return undefined;
  const hasFilledIt = report.isAtDiskQuota && exitCode !== 0;
  return report.isOverDiskQuota || hasFilledIt ? { type: "disk", bytes } : undefined;
}

/** The signal does not say where the file was: with a disk that is not full it can have been in /dev/shm or another tmpfs. */
function fileSizeHit({ limits: { diskQuotaBytes, ulimits }, exitCode }: LimitEvidence): LimitHit | undefined {
  if (exitCode !== 128 + constants.signals.SIGXFSZ) return undefined;
  const size = ulimits?.findLast(({ name }) => name === "fsize")?.soft ?? -1;
  const quota = diskQuotaBytes ?? Number.POSITIVE_INFINITY;
  if (size !== -1 && size <= quota) return { type: "fileSize", bytes: size, setBy: "ulimit" };
  return diskQuotaBytes === undefined ? undefined : { type: "fileSize", bytes: diskQuotaBytes, setBy: "diskQuota" };
}

/** The kernel counts the time of this limit in ticks, which may be more than the time that a process really had. */
const CPU_TIME_SLACK = 0.75;

/**
 * The signal tells: SIGXCPU at the soft limit, or, where that is not below the hard one, SIGKILL once the time is
 * used. A shell passes the signal of its last command on as 128 + n.
 */
function cpuTimeHit({ limits, report, exitCode, cpuMs, hasTimedOut }: LimitEvidence): LimitHit | undefined {
  const ended = (signal: number) => exitCode === 128 + signal;
  const time = limits.ulimits?.findLast(({ name }) => name === "cpu");
  if (time === undefined) return undefined;
  if (ended(constants.signals.SIGXCPU)) return { type: "cpuTime", seconds: time.soft };
  const wasKilled = ended(constants.signals.SIGKILL) && report.oomKills === 0 && !hasTimedOut;
  const isUsed = time.hard >= 0 && cpuMs >= time.hard * 1000 * CPU_TIME_SLACK;
  return wasKilled && isUsed ? { type: "cpuTime", seconds: time.hard } : undefined;
}
