import { capabilityNumber } from "./capability.ts";
import { toNative } from "./limits.ts";
import { binding, nativeFailure } from "./native.ts";
import { toLayers } from "./rootfs.ts";
import { nativeSandboxError } from "./sandbox-error.ts";
import { feedStep, type SandboxFeed } from "./sandbox-input.ts";
import type { SandboxIo } from "./sandbox-io.ts";
import { outputTaker } from "./sandbox-output.ts";
import type { SandboxMount, SandboxSpec } from "./sandbox-spec.ts";

type Binding = ReturnType<typeof binding>;
type Request = Parameters<Binding["startSandbox"]>[0];

/** A running step: descriptors to read, and ways to end it. */
export type SandboxHandle = InstanceType<Binding["SandboxProcess"]>;

/** What differs from a step when the machine is only being tried. */
export interface StartOptions {
  /** Sets everything up and runs nothing. */
  readonly probe?: boolean;
  /** Keeps the caller's ids. */
  readonly identity?: boolean;
  /** Prepares no next step. */
  readonly isLast?: boolean;
  /** The command has something to read. */
  readonly hasInput?: boolean;
}

/** Starts a step. Rejects with a SandboxError. */
export async function start(spec: SandboxSpec, options: StartOptions = {}): Promise<SandboxHandle> {
  try {
    const asked = request(spec, options);
    return binding().startPreparedSandbox(asked) ?? (await binding().startSandbox(asked));
  } catch (error) {
    const failure = nativeFailure(error);
    throw failure === undefined ? error : nativeSandboxError(failure);
  }
}

/** What the step's cgroup said before it was removed. */
export type SandboxReport = Parameters<Parameters<SandboxHandle["follow"]>[0]>[2] & {};

const STDOUT = 0;
const STATUS = 2;
const WRITTEN = 3;
const CLOSED = 4;

/**
 * Delivers the step's output as it comes, and its input as it is taken, to the end of the step; resolves when nothing is left of
 * it: with its status records, its report, and when the last output is taken. A listener that throws ends the step, and so does a failing input; rejects with
 * what was thrown, once the step is gone.
 */
export async function follow(
  step: SandboxHandle,
  io: SandboxIo,
): Promise<{ readonly status: Buffer; readonly report: SandboxReport; readonly delivered: Promise<void> }> {
  let thrown: { readonly error: unknown } | undefined;
  let feed: SandboxFeed | undefined;
  const endWith = (error: unknown) => {
    thrown ??= { error };
    step.kill();
  };
  const output = outputTaker(step, io, endWith);
  return await new Promise((resolve, reject) => {
    step.follow((from, bytes, report) => {
      if (from === WRITTEN || from === CLOSED) return feed?.written(from === WRITTEN);
      if (from !== STATUS) return output.take(from === STDOUT, bytes);
      feed?.stop();
      feed = undefined;
      // Closes what the step was ended by.
      step.kill();
      if (thrown !== undefined) reject(thrown.error);
      else resolve({ status: bytes, report: report as SandboxReport, delivered: output.delivered() });
    });
    if (io.stdin !== undefined) feed = feedStep(step, io.stdin, endWith);
  });
}

/** The spec in the flat form that crosses the seam. */
export function request(
  spec: SandboxSpec,
  { probe = false, identity = false, isLast = false, hasInput = false }: StartOptions,
): Request {
  const { rootfs, user, limits } = spec;
  return {
    lowers: [...rootfs.lowers],
    upper: rootfs.upper,
    work: rootfs.work,
    argv: [...spec.argv],
    env: [...spec.env],
    cwd: spec.cwd,
    uid: user.uid,
    gid: user.gid,
    groups: [...user.additionalGids],
    hostname: spec.hostname,
    hostNetwork: spec.network === "host",
    ...(spec.network === "private" ? { network: toNetwork(spec) } : {}),
    hosts: spec.hosts,
    resolvConf: spec.resolvConf,
    limits: toNative(limits),
    ...(spec.group === undefined ? {} : { group: spec.group.id }),
    noNewPrivileges: spec.noNewPrivileges,
    insecure: spec.insecure ?? false,
    mounts: spec.mounts.map(toMount),
    input: hasInput,
    ...(spec.terminal === undefined ? {} : { terminal: spec.terminal }),
    readOnlyRoot: spec.readOnlyRoot ?? false,
    droppedCapabilities: (spec.droppedCapabilities ?? []).map(capabilityNumber),
    probe,
    identity,
    isLast,
    ...(rootfs.trees === undefined ? {} : { trees: rootfs.trees }),
  };
}

function toNetwork({ privateNetwork, limits }: SandboxSpec): Request["network"] & {} {
  const { nameservers = [], searchDomains = [], allow } = privateNetwork ?? {};
  return {
    nameservers: [...nameservers],
    searchDomains: [...searchDomains],
    ...(allow === undefined ? {} : { allow: [...allow] }),
    ...(limits.netBps === undefined ? {} : { bytesPerSecond: limits.netBps }),
  };
}

function toMount(mount: SandboxMount): Request["mounts"][number] {
  const { target, readonly } = mount;
  switch (mount.type) {
    case "bind":
      return { target, readonly, bind: mount.source, isOwn: mount.isOwn ?? false };
    case "rootfs":
      return { target, readonly, layers: { ...toLayers(mount.rootfs), path: mount.path } };
    case "tmpfs":
      return { target, readonly, tmpfs: mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes } };
    case "file": {
      const { uid, gid, mode } = mount;
      return { target, readonly: true, file: { content: [...mount.content], uid, gid, mode } };
    }
  }
}
