import { Socket } from "node:net";
import { binding, nativeFailure } from "./native.ts";
import { toLayers } from "./rootfs.ts";
import type { SandboxMount, SandboxSpec } from "./sandbox.ts";
import { nativeSandboxError } from "./sandbox-error.ts";

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

/** Delivers everything that comes out of a pipe, then closes it. */
export async function drain(fd: number, onChunk: ((chunk: Uint8Array) => void) | undefined): Promise<void> {
  const pipe = new Socket({ fd, readable: true, writable: false });
  for await (const chunk of pipe) onChunk?.(chunk as Buffer);
}

/** The spec in the flat form that crosses the seam. */
export function request(spec: SandboxSpec, { probe = false, identity = false }: StartOptions): Request {
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
    hosts: spec.hosts,
    resolvConf: spec.resolvConf,
    limits,
    noNewPrivileges: spec.noNewPrivileges,
    mounts: spec.mounts.map(toMount),
    probe,
    identity,
  };
}

function toMount(mount: SandboxMount): Request["mounts"][number] {
  const { target, readonly } = mount;
  switch (mount.type) {
    case "bind":
      return { target, readonly, bind: mount.source };
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
