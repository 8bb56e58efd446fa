import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import type { HeldCache } from "../../layers/index.ts";
import { BuildError } from "../errors.ts";
import type { CacheMount, ExecMount } from "../llb/index.ts";
import { seedCache } from "./mount-seed.ts";
import type { MountWork } from "./mounts.ts";
import { placeOf } from "./place.ts";

/** The caches of one step. */
export interface HeldCaches {
  /** The directory of the host that is mounted. */
  path(mount: CacheMount): string;
  release(): void;
}

/**
 * Takes every cache that a step mounts, each once however often it is mounted. They are taken in the order of their keys, so
 * that two steps which want the same ones never wait for each other.
 */
export async function holdCaches(mounts: readonly ExecMount[], work: MountWork): Promise<HeldCaches> {
  const wanted = new Map<string, CacheMount>();
  for (const mount of mounts) {
    if (mount.type === "cache" && !wanted.has(cacheKey(mount, work))) wanted.set(cacheKey(mount, work), mount);
  }
  const held = new Map<string, HeldCache>();
  const release = () => {
    for (const cache of held.values()) cache.release();
  };
  try {
    for (const [key, mount] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
      held.set(key, await hold(key, mount, work));
    }
  } catch (error) {
    release();
    throw error;
  }
  return { path: (mount) => held.get(cacheKey(mount, work))?.path ?? "", release };
}

/** Without mounts a cache is moved to where a step finds it, and can be in one place only. */
async function hold(key: string, mount: CacheMount, work: MountWork): Promise<HeldCache> {
  return await work.context.store.cacheMounts.hold(key, {
    ...work.options,
    sharing: work.context.isolation === "chroot" && mount.sharing === "shared" ? "locked" : mount.sharing,
    fill: (path) => fill(path, mount, work),
    description: `cached mount ${mount.target} with id ${JSON.stringify(mount.id)}`,
  });
}

/** Caches of one id that begin differently are different caches, as in BuildKit. */
function cacheKey({ id, initial }: CacheMount, { inputs }: MountWork): string {
  const input = initial.type === "copy" ? inputs[initial.input] : undefined;
  const begin = input?.type === "snapshot" ? [input.snapshot.id, initial] : [initial];
  return createHash("sha256")
    .update(JSON.stringify([id, begin]))
    .digest("hex");
}

async function fill(path: string, { initial }: CacheMount, work: MountWork): Promise<void> {
  if (initial.type === "empty") return makeDirectory(path, initial, work);
  await seedCache(path, initial, work);
}

type EmptyCache = Extract<CacheMount["initial"], { type: "empty" }>;

function makeDirectory(path: string, { uid, gid, mode }: EmptyCache, { vertex, context }: MountWork): void {
  mkdirSync(path);
  try {
    chownSync(path, uid, gid);
  } catch (cause) {
    const hint =
      "an ordinary user has the ids of /etc/subuid and /etc/subgid alone, by newuidmap: give more, or build as root";
    const message = `the cache cannot be given to ${uid}:${gid}, which this user does not have`;
    throw new BuildError("OWNER_NOT_MAPPED", message, { hint, cause, ...placeOf(vertex, context) });
  }
  chmodSync(path, mode);
}
