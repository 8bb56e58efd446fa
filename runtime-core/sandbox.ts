import { addAbortListener } from "node:events";
import { constants } from "node:os";
import { SandboxError } from "./errors.ts";
import { MAX_TIMEOUT_MS, type SandboxLimits, toNative } from "./limits.ts";
import { binding, nativeFailure } from "./native.ts";
import { setupError } from "./sandbox-error.ts";
import type { SandboxIo } from "./sandbox-io.ts";
import { follow, type SandboxHandle, type SandboxReport, start } from "./sandbox-process.ts";
import { type SandboxResult, sandboxResult } from "./sandbox-result.ts";
import type { SandboxSpec } from "./sandbox-spec.ts";
import { parseStatus, type StepEnd } from "./sandbox-status.ts";

/** Options of `runSandbox`. */
export interface RunSandboxOptions {
  /** Ends the step: SIGTERM to all its processes, and SIGKILL to what is left after `graceMs`. */
  readonly signal?: AbortSignal;
  /** Sent, on abort, to the command alone instead of SIGTERM to all. */
  readonly stopSignal?: number;
  /** Time between the two, in milliseconds; 2000 unless given, at most `MAX_TIMEOUT_MS`; Infinity for no SIGKILL. */
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
    return sandboxResult(spec, end, { waitStatus, report, hasTimedOut: ending.hasTimedOut, startedAt });
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
    if (graceMs !== Number.POSITIVE_INFINITY) grace ??= setTimeout(() => step.kill(), graceMs);
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

/** Output may wait for somebody who never takes it: an abort does not wait for them too. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return await work;
  let listener: Disposable | undefined;
  const aborted = new Promise<never>((_, reject) => {
    listener = addAbortListener(signal, () => reject(signal.reason));
  });
  await Promise.race([work, aborted]).finally(() => listener?.[Symbol.dispose]());
}
