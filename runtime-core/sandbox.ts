import { addAbortListener } from "node:events";
import { constants } from "node:os";
import type { Capability } from "./capability.ts";
import { binding, nativeFailure } from "./native.ts";
import type { RootfsMount, WritableRootfs } from "./rootfs.ts";
import { setupError } from "./sandbox-error.ts";
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
 * Resolves once the command has ended, every other process of the step is dead, all output is delivered and the step's
 * cgroup is gone. A command that fails is a result: `exitCode` is 126 or 127 when it could not be executed.
 * Rejects with the signal's reason when aborted, and with a SandboxError otherwise: SANDBOX_INVALID_SPEC,
 * SANDBOX_LIMIT_UNSUPPORTED (before anything runs), SANDBOX_SETUP_FAILED with the `step` and `errno`.
 */
export async function runSandbox(
  spec: SandboxSpec,
  io: SandboxIo,
  options: RunSandboxOptions = {},
): Promise<SandboxResult> {
  options.signal?.throwIfAborted();
  const startedAt = performance.now();
  const step = await start(spec, { isLast: options.isLast ?? false, hasInput: io.stdin !== undefined });
  const stopListening = endOnAbort(step, options);
  try {
    io.onStart?.({ signal: (number) => step.signal(number), resize: (size) => step.resize(size) });
    const { status, report } = await follow(step, io);
    const end = parseStatus(status);
    options.signal?.throwIfAborted();
    const waitStatus = end.waitStatus ?? whenInitWasKilled(end, report);
    return { ...outcome(waitStatus, report), usage: usage(end, report, performance.now() - startedAt) };
  } finally {
    stopListening();
  }
}

/**
 * Says that a step with this network and these limits will soon be run: what needs no root of its own is made meanwhile, on
 * another thread, and `runSandbox` then starts sooner. At most one waits; a step that never comes costs a few milliseconds of
 * another core. What is wrong with the limits is said by `runSandbox`.
 */
export function prepareSandbox({ network, limits }: Pick<SandboxSpec, "network" | "limits">): void {
  try {
    binding().prepareSandbox(network === "host", limits);
  } catch (error) {
    if (nativeFailure(error) === undefined) throw error;
  }
}

/** The memory limit may pick PID 1 of the step; that ends the step as it would have ended the command. Throws otherwise. */
function whenInitWasKilled(end: StepEnd, report: SandboxReport): number {
  if (end.failure === undefined && report.oomKills > 0) return constants.signals.SIGKILL;
  throw setupError(end.failure);
}

function endOnAbort(step: SandboxHandle, { signal, stopSignal, graceMs = 2000 }: RunSandboxOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  const end = () => {
    if (stopSignal === undefined) step.terminate();
    else step.signal(stopSignal);
    timer = setTimeout(() => step.kill(), graceMs);
  };
  // addAbortListener does not call back for a signal that has fired while the step was being started.
  if (signal?.aborted) end();
  const listener = signal === undefined || signal.aborted ? undefined : addAbortListener(signal, end);
  return () => {
    listener?.[Symbol.dispose]();
    clearTimeout(timer);
  };
}

/** wait(2): the low seven bits are the signal that ended the command, the next byte its exit code. */
function outcome(waitStatus: number, report: SandboxReport): Omit<SandboxResult, "usage"> {
  const signal = waitStatus & 0x7f;
  const exitCode = signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  const limitHit = exitCode === 0 ? undefined : hitLimit(report);
  return {
    exitCode,
    ...(signal === 0 ? {} : { signal: name ?? `SIG${signal}` }),
    ...(limitHit === undefined ? {} : { limitHit }),
  };
}

function hitLimit(report: SandboxReport): "memory" | "pids" | undefined {
  if (report.oomKills > 0) return "memory";
  return report.forksRefused > 0 ? "pids" : undefined;
}

function usage(end: StepEnd, report: SandboxReport, wallMs: number): SandboxUsage {
  return {
    wallMs,
    cpuUserMs: end.cpuUserMs,
    cpuSystemMs: end.cpuSystemMs,
    ...(report.memoryPeakBytes === undefined ? {} : { memoryPeakBytes: report.memoryPeakBytes }),
    ...(report.pidsPeak === undefined ? {} : { pidsPeak: report.pidsPeak }),
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
  /** `none`: only lo. `host`: the network of the machine. */
  readonly network: "none" | "host";
  /** Content of /etc/hosts and /etc/resolv.conf in the sandbox; they leave no trace in the layer. */
  readonly hosts: string;
  readonly resolvConf: string;
  readonly limits: SandboxLimits;
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

export interface SandboxLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together. */
  readonly memorySwapBytes?: number;
  readonly pids?: number;
  /** Cores: 1.5 is one and a half. */
  readonly cpus?: number;
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

/** Output as it comes, input as it is taken. Chunks are bytes, not lines. */
export interface SandboxIo {
  readonly onStdout?: (chunk: Uint8Array) => void;
  readonly onStderr?: (chunk: Uint8Array) => void;
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
  /** The command's exit code; 128 + n when signal n ended it. */
  readonly exitCode: number;
  readonly signal?: string;
  /** The limit that ended the step, where the kernel says so. */
  readonly limitHit?: "memory" | "pids";
  readonly usage: SandboxUsage;
}

export interface SandboxUsage {
  readonly wallMs: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  readonly memoryPeakBytes?: number;
  readonly pidsPeak?: number;
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
}
