import { constants } from "node:os";
import { type LimitHit, limitHits } from "./limit-hit.ts";
import { networkProblem } from "./sandbox-error.ts";
import type { SandboxReport } from "./sandbox-process.ts";
import type { SandboxSpec } from "./sandbox-spec.ts";
import type { StepEnd } from "./sandbox-status.ts";

/** How a step ended, and what it used. */
export interface SandboxResult {
  /** The command's exit code; 128 + n when signal n ended it. Of one that ended well, 124 after its time, 137 over its disk quota. */
  readonly exitCode: number;
  readonly signal?: string;
  /** The limit that a step met which then failed. Its `usage` has all that it met. */
  readonly limitHit?: LimitHit;
  /** Ends that the step tried to reach and was not allowed to, and names it was not to look up; the first 32. */
  readonly networkBlocked: readonly string[];
  /** Why the step had no private network though it was to have one. */
  readonly networkMissing?: string;
  readonly usage: SandboxUsage;
}

/** What a step used, all its processes together. What is absent could not be measured here. */
export interface SandboxUsage {
  /** From the call to the end of its last process. */
  readonly wallMs: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  /** Read from disks for it; what was in the page cache already is not. getrusage(2), `ru_inblock`. */
  readonly ioReadBytes: number;
  /**
   * Pages of files that it made dirty, to be written to a disk sooner or later, so that what it overwrites counts again. A cgroup
   * counts when that happens, which is mostly after the step, and cgroup v1 counts it as nobody's. getrusage(2), `ru_oublock`.
   */
  readonly ioWrittenBytes: number;
  /** Page cache counts as memory. Needs a cgroup. */
  readonly memoryPeakBytes?: number;
  /** Processes and threads at once. Needs a cgroup. */
  readonly pidsPeak?: number;
  /**
   * Content of the files that it created or changed in its root, whole, before compression. Absent where these are a thousand or
   * more: `contentSize` counts them.
   */
  readonly layerBytes?: number;
  /** Bytes of IP packets to and from the step, where its network is private. */
  readonly networkReceivedBytes?: number;
  readonly networkSentBytes?: number;
  /** Limits that the step met, whether it failed or went on. */
  readonly limitsHit?: readonly LimitHit[];
}

/** How the step ended, beside what the helper told. */
export interface Ended {
  readonly waitStatus: number;
  readonly report: SandboxReport;
  readonly hasTimedOut: boolean;
  readonly startedAt: number;
}

/** Puts together what the helper, the cgroup and the clock say. */
export function sandboxResult({ limits, group }: SandboxSpec, end: StepEnd, ended: Ended): SandboxResult {
  const { report, hasTimedOut, startedAt } = ended;
  const outcome = commandEnd(ended);
  const [first, ...others] = limitHits({
    limits,
    groupLimits: group?.limits ?? {},
    report,
    exitCode: outcome.exitCode,
    cpuMs: end.cpuUserMs + end.cpuSystemMs,
    hasTimedOut,
  });
  return {
    ...outcome,
    ...(first === undefined || outcome.exitCode === 0 ? {} : { limitHit: first }),
    ...networkOf(end, report),
    usage: {
      ...usage(end, report, performance.now() - startedAt),
      ...(first === undefined ? {} : { limitsHit: [first, ...others] }),
    },
  };
}

function networkOf(
  { networkErrno }: StepEnd,
  report: SandboxReport,
): Pick<SandboxResult, "networkBlocked" | "networkMissing"> {
  const errno = report.networkErrno ?? networkErrno;
  return {
    networkBlocked: report.networkBlocked,
    ...(errno === undefined ? {} : { networkMissing: networkProblem(errno) }),
  };
}

/** As timeout(1) ends: a command that is asked to end may end well. */
const EXIT_TIMED_OUT = 124;
/** As a command that was over its disk quota and did not end. */
const EXIT_KILLED = 128 + constants.signals.SIGKILL;

/** wait(2): the low seven bits are the signal that ended the command, the next byte its exit code. */
function commandEnd({ waitStatus, report, hasTimedOut }: Ended): Pick<SandboxResult, "exitCode" | "signal"> {
  const signal = waitStatus & 0x7f;
  if (signal === 0) {
    const exitCode = (waitStatus >> 8) & 0xff;
    if (exitCode !== 0) return { exitCode };
    if (hasTimedOut) return { exitCode: EXIT_TIMED_OUT };
    return { exitCode: report.isOverDiskQuota ? EXIT_KILLED : 0 };
  }
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  return { exitCode: 128 + signal, signal: name ?? `SIG${signal}` };
}

function usage(end: StepEnd, report: SandboxReport, wallMs: number): SandboxUsage {
  return {
    wallMs,
    cpuUserMs: end.cpuUserMs,
    cpuSystemMs: end.cpuSystemMs,
    ioReadBytes: end.ioReadBytes,
    ioWrittenBytes: end.ioWrittenBytes,
    ...(report.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: report.memoryPeakBytes }),
    ...(report.pidsPeak === undefined ? {} : { pidsPeak: report.pidsPeak }),
    ...(report.layerBytes === undefined ? {} : { layerBytes: report.layerBytes }),
    ...(report.networkReceivedBytes === undefined ? {} : { networkReceivedBytes: report.networkReceivedBytes }),
    ...(report.networkSentBytes === undefined ? {} : { networkSentBytes: report.networkSentBytes }),
  };
}
