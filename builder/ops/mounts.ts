import type { CallOptions } from "../../registry-client/index.ts";
import type { SandboxMount } from "../../runtime-core/index.ts";
import type { ExecMount, ExecOp, Vertex } from "../llb/index.ts";
import type { OpResult } from "../solver/index.ts";
import type { OpContext } from "./context.ts";
import { openBind } from "./mount-bind.ts";
import { type HeldCaches, holdCaches } from "./mount-cache.ts";
import { openSecret } from "./mount-secret.ts";
import { openSsh } from "./mount-ssh.ts";

/** What a step mounts and finds in its environment, until `release`. */
export interface OpenMounts {
  /** In the order they are mounted: what holds another comes first. */
  readonly mounts: readonly SandboxMount[];
  /** `NAME=value` of secrets. */
  readonly env: readonly string[];
  release(): Promise<void>;
}

/** What opening a mount works with. */
export interface MountWork {
  readonly vertex: Vertex;
  readonly inputs: readonly OpResult[];
  readonly context: OpContext;
  readonly options: CallOptions;
}

/** One mount, open. A secret may be a variable alone, or not be there. */
export interface OpenMount {
  readonly mount?: SandboxMount;
  readonly env?: string;
  release?(): Promise<void>;
}

/** Opens all mounts of a step, or none: caches first, since one may have to wait for them. */
export async function openMounts(op: ExecOp, work: MountWork): Promise<OpenMounts> {
  const asked = op.mounts ?? [];
  const opened: OpenMount[] = [];
  const caches = await holdCaches(asked, work);
  const release = async () => {
    await Promise.all(opened.map((mount) => mount.release?.()));
    caches.release();
  };
  try {
    for (const mount of asked) opened.push(await openMount(mount, caches, work));
  } catch (error) {
    await release();
    throw error;
  }
  return {
    mounts: opened.flatMap(({ mount }) => (mount === undefined ? [] : [mount])).sort(byTarget),
    env: opened.flatMap(({ env }) => (env === undefined ? [] : [env])),
    release,
  };
}

async function openMount(mount: ExecMount, caches: HeldCaches, work: MountWork): Promise<OpenMount> {
  switch (mount.type) {
    case "bind":
      return await openBind(mount, work);
    case "cache":
      return {
        mount: {
          type: "bind",
          source: caches.path(mount),
          isOwn: true,
          target: mount.target,
          readonly: mount.readonly,
        },
      };
    case "tmpfs":
      return { mount };
    case "secret":
      return await openSecret(mount, work);
    case "ssh":
      return await openSsh(mount, work);
  }
}

/** BuildKit's order: a parent's path is a prefix of its children's. */
export function byTarget(a: SandboxMount, b: SandboxMount): number {
  if (a.target === b.target) return 0;
  return a.target < b.target ? -1 : 1;
}
