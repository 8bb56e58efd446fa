import { addAbortListener } from "node:events";
import { constants } from "node:os";
import type { Capability } from "./capability.ts";
import { SandboxError } from "./errors.ts";
import { type LimitHit, limitHits } from "./limit-hit.ts";
import { type SandboxGroup, type SandboxLimits, toNative } from "./limits.ts";
import type { MachineCheck } from "./machine/check.ts";
import { binding, nativeFailure } from "./native.ts";
import type { PrivateNetwork } from "./private-network.ts";
import type { RootfsMount, WritableRootfs } from "./rootfs.ts";
import { networkProblem, setupError } from "./sandbox-error.ts";
import { follow, type SandboxHandle, type SandboxReport, start } from "./sandbox-process.ts";
import { parseStatus, type StepEnd } from "./sandbox-status.ts";

/** Options of `runSandbox`. */
export interface RunSandboxOptions {
  /** Ends the step: SIGTERM to all its processes, and SIGKILL to what is left after `graceMs`. */
  readonly signal?: AbortSignal;
  /** Sent, on abort, to the command alone instead of SIGTERM to all. */
  readonly stopSignal?: number;
  /** Time between the two, in milliseconds; 2000 unless given. */
  readonly graceMs?: number;
  /** No other step will follow soon: none is prepared ahead. */
  readonly isLast?: boolean;
}

/**
 * Runs one step in a sandbox of its own: eight namespaces, a cgroup, a seccomp filter, dropped capabilities.
 * Resolves once the command has ended, every other process of the step is dead, and all output is delivered. What the kernel
 * then still frees, namespaces, mounts and the cgroup, goes on a thread within a millisecond; the process waits for that when it
 * ends. An aborted step is awaited to the last. A command that fails is a result: `exitCode` is 126 or 127 when it could not be executed.
 * Rejects with the signal's reason when aborted, and with a SandboxError otherwise: SANDBOX_INVALID_SPEC,
 * SANDBOX_LIMIT_UNSUPPORTED (before anything runs), SANDBOX_SETUP_FAILED with the `step` and `errno`.
 */
export async function runSandbox(
  spec: SandboxSpec,
  io: SandboxIo,
  options: RunSandboxOptions = {},
): Promise<SandboxResult> {
  options.signal?.throwIfAborted();
  const timeout = checkTimeout(spec.limits);
  const startedAt = performance.now();
  const step = await start(spec, { isLast: options.isLast ?? false, hasInput: io.stdin !== undefined });
  const ending = endEarly(step, timeout, options);
  try {
    io.onStart?.({ signal: (number) => step.signal(number), resize: (size) => step.resize(size) });
    const { status, report, delivered } = await follow(step, io);
    const end = parseStatus(status);
    options.signal?.throwIfAborted();
    await orAborted(delivered, options.signal);
    const waitStatus = end.waitStatus ?? whenInitWasKilled(end, report, ending.hasTimedOut);
    return result(spec, end, { waitStatus, report, hasTimedOut: ending.hasTimedOut, startedAt });
  } finally {
    ending.stop();
  }
}

/**
 * Says that a step with this network and these limits will soon be run: what needs no root of its own is made meanwhile, on
 * another thread, and `runSandbox` then starts sooner. At most one waits; a step that never comes costs a few milliseconds of
 * another core. What is wrong with the limits is said by `runSandbox`.
 */
export function prepareSandbox({ network, limits, group }: Pick<SandboxSpec, "network" | "limits" | "group">): void {
  try {
    binding().prepareSandbox(network === "host", network === "private", toNative(limits), group?.id);
  } catch (error) {
    if (nativeFailure(error) === undefined) throw error;
  }
}

/**
 * The memory limit may pick PID 1 of the step, and a step that goes on after its time is killed with it; that ends the step as it
 * would have ended the command. So does the disk quota's guard when nothing else helps. Throws otherwise.
 */
function whenInitWasKilled(end: StepEnd, report: SandboxReport, hasTimedOut: boolean): number {
  if (end.failure === undefined && (report.oomKills > 0 || report.isOverDiskQuota || hasTimedOut))
    return constants.signals.SIGKILL;
  throw setupError(end.failure);
}

/** The most that setTimeout takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function checkTimeout({ timeoutMs }: SandboxLimits): number | undefined {
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) return timeoutMs;
  const message = `${timeoutMs} is not a possible limit`;
  throw new SandboxError({ code: "SANDBOX_INVALID_SPEC", step: "limits", subject: "timeoutMs", message });
}

/** What ends a step before its command does. */
interface EarlyEnd {
  readonly hasTimedOut: boolean;
  stop(): void;
}

/** On abort, or when its time is over: SIGTERM, and SIGKILL to what is left after a while. */
function endEarly(step: SandboxHandle, timeoutMs: number | undefined, options: RunSandboxOptions): EarlyEnd {
  const { signal, stopSignal, graceMs = 2000 } = options;
  let grace: NodeJS.Timeout | undefined;
  let hasTimedOut = false;
  const end = () => {
    if (stopSignal === undefined) step.terminate();
    else step.signal(stopSignal);
    grace ??= setTimeout(() => step.kill(), graceMs);
  };
  const timeOut = () => {
    hasTimedOut = true;
    end();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(timeOut, timeoutMs);
  // addAbortListener does not call back for a signal that has fired while the step was being started.
  if (signal?.aborted) end();
  const listener = signal === undefined || signal.aborted ? undefined : addAbortListener(signal, end);
  return {
    get hasTimedOut() {
      return hasTimedOut;
    },
    stop() {
      listener?.[Symbol.dispose]();
      clearTimeout(timer);
      clearTimeout(grace);
    },
  };
}

/** How the step ended, beside what the helper told. */
interface Ended {
  readonly waitStatus: number;
  readonly report: SandboxReport;
  readonly hasTimedOut: boolean;
  readonly startedAt: number;
}

function result({ limits, group }: SandboxSpec, end: StepEnd, ended: Ended): SandboxResult {
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

/** Output may wait for somebody who never takes it: an abort does not wait for them too. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await work;
  let listener: Disposable | undefined;
  const aborted = new Promise<never>((_, reject) => {
    listener = addAbortListener(signal, () => reject(signal.reason));
  });
  await Promise.race([work, aborted]).finally(() => listener?.[Symbol.dispose]());
}

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

/** One RUN, fully resolved: nothing in it is looked up again. */
export interface SandboxSpec {
  readonly rootfs: WritableRootfs;
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Absolute; created by the caller. */
  readonly cwd: string;
  readonly user: SandboxUser;
  readonly hostname: string;
  /**
   * `none`: only lo. `host`: the network of the machine. `private`: an interface of its own, whose connections this process makes
   * for the step: everything but this machine's loopback, what is link-local and the metadata services of clouds.
   */
  readonly network: "none" | "host" | "private";
  /** With `private`: whom the step may reach, and how fast. */
  readonly privateNetwork?: PrivateNetwork;
  /** Content of /etc/hosts and /etc/resolv.conf in the sandbox; they leave no trace in the layer. */
  readonly hosts: string;
  readonly resolvConf: string;
  readonly limits: SandboxLimits;
  /** What the step shares with others: their limits together. */
  readonly group?: SandboxGroup;
  readonly noNewPrivileges: boolean;
  /**
   * Runs with every capability of the caller, in the caller's user namespace: no filter of system calls, nothing masked or
   * read-only, the machine's devices. The other namespaces and the limits remain.
   */
  readonly insecure?: boolean;
  /** The step's own mounts, in order: a mount in another comes after it. At most 120. */
  readonly mounts: readonly SandboxMount[];
  /** The command has a terminal of the step's own of this size: what it writes there comes by `onStdout`. */
  readonly terminal?: TerminalSize;
  /** Only /dev and the step's own mounts can be written. */
  readonly readOnlyRoot?: boolean;
  /** What root of the step does not have of Docker's default set. */
  readonly droppedCapabilities?: readonly Capability[];
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/**
 * Something mounted for one step. `target` is absolute, without `..`, and looked up inside the root, symbolic links too. A mount
 * point that is missing is there for the step alone, and leaves no trace in the layer.
 */
export type SandboxMount = SandboxMountSource & { readonly target: string; readonly readonly: boolean };

/** What a mount shows. */
export type SandboxMountSource =
  | {
      /** A directory, file or socket of the host. Its owners on disk are the step's own ids. */
      readonly type: "bind";
      /** Absolute. */
      readonly source: string;
      /**
       * The source belongs to the builder: where writes are limited, its files are marked to be written synchronously as
       * long as the step runs. What is not so marked is not held to those limits on cgroup v1.
       */
      readonly isOwn?: boolean;
    }
  | {
      /** A path of another root, looked up inside it. Without an `upper` it must be `readonly`. */
      readonly type: "rootfs";
      readonly rootfs: RootfsMount;
      /** Absolute inside `rootfs`. */
      readonly path: string;
    }
  | {
      readonly type: "tmpfs";
      /** Default: the kernel's, half of the memory. */
      readonly sizeBytes?: number;
    }
  | {
      /** A file in memory; it can only be read, and not executed. */
      readonly type: "file";
      readonly content: Uint8Array;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    };

/**
 * Output as it comes, input as it is taken. Chunks are bytes, not lines. A listener that returns a promise gets no more output
 * than a few MiB until it is settled: then the step waits.
 */
export interface SandboxIo {
  readonly onStdout?: (chunk: Uint8Array) => unknown;
  readonly onStderr?: (chunk: Uint8Array) => unknown;
  /**
   * What the command reads; nothing, /dev/null, unless given. It is read no faster than the command takes it, and its end is the
   * end of file, on a terminal as if Ctrl-D were typed. A stream is left paused when the command ends first.
   */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Called once, when the step has been started. */
  readonly onStart?: (step: RunningStep) => void;
}

/** Ways to reach a step while it runs; nothing happens once it has ended. */
export interface RunningStep {
  /** Sends the command, and it alone, a signal by its number: kill(2). */
  signal(number: number): void;
  /** Changes the size of its terminal. */
  resize(size: TerminalSize): void;
}

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

/** What this machine allows, and why not. */
export interface SandboxCapabilities {
  readonly available: boolean;
  /** Why not, a sentence each. */
  readonly problems: readonly string[];
  readonly cgroup: "v1" | "v2" | "none";
  /** How the step's ids map to the host's. */
  readonly userNamespace: "idmapped" | "identity" | "none";
  readonly overlay: boolean;
  /** Whether a step can have a private network. */
  readonly privateNetwork: boolean;
  /** Why it cannot. */
  readonly networkProblem?: string;
  /** Whether steps can be isolated by chroot(2) instead. */
  readonly chroot: boolean;
  /** What a build without `isolation` can have here, else what it could have with it. */
  readonly isolation: "namespaces" | "chroot" | "none";
  /** Each thing that was looked at, with its remedy. */
  readonly checks: readonly MachineCheck[];
}
