import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions } from "../registry-client/index.ts";
import { type FileLock, RuntimeError, removeTree, tryHoldFile } from "../runtime-core/index.ts";
import { errnoName, withLayerErrors } from "./errors.ts";
import { isPresent, namesIn } from "./small-file.ts";
import type { StoreUses } from "./store-uses.ts";
import type { Workspace } from "./workspace.ts";

const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 100;
const FILES = "files";
/** Beside the files: what the cache is, for those who look at the store. */
const RECORD = "cache.json";
const USES = "uses";

export const cacheRecordPath = (place: string): string => join(place, RECORD);
export const cacheUsesPath = (place: string): string => join(place, USES);

/** The name by which an instance of a cache is in use. */
export const cacheUseName = (key: string, number: string): string => `mounts/${key}/${number}`;

export interface HoldCacheOptions extends CallOptions {
  /** `shared`: with others. `private`: alone, another instance when all are in use. `locked`: alone, after the others. */
  readonly sharing: "shared" | "private" | "locked";
  /** Makes `path`, which nothing has yet: the content of a new one. */
  readonly fill: (path: string) => Promise<void>;
  /** For people: which cache it is. */
  readonly description?: string;
}

/** A cache in use. */
export interface HeldCache {
  /** What is mounted. */
  readonly path: string;
  release(): void;
}

/**
 * What `RUN --mount=type=cache` mounts: `<root>/<key>/<n>/files`. There are several instances of one key when steps want it for
 * themselves at once. A lock beside an instance, which ends with its process, says that it is in use.
 */
export class CacheMounts {
  readonly #root: string;
  readonly #workspace: Workspace;
  readonly #uses: StoreUses;

  constructor(root: string, { workspace, uses }: { readonly workspace: Workspace; readonly uses: StoreUses }) {
    this.#root = root;
    this.#workspace = workspace;
    this.#uses = uses;
  }

  /** Takes an instance, new if there is none that may be had. `key` is a name of hexadecimal digits. */
  async hold(key: string, options: HoldCacheOptions): Promise<HeldCache> {
    const directory = join(this.#root, key);
    return await withLayerErrors(async () => {
      const { number, lock } = await acquire(directory, options);
      try {
        const place = join(directory, String(number));
        this.#uses.touch(cacheUseName(key, String(number)), place, cacheUsesPath(place));
        const path = await this.#instance(place, options);
        return { path, release: () => lock.release() };
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  }

  /** It appears by one rename; of two that make it at once, the first wins. */
  async #instance(place: string, { fill, description = "" }: HoldCacheOptions): Promise<string> {
    const path = join(place, FILES);
    if (isPresent(path)) return path;
    const made = this.#workspace.path();
    mkdirSync(made);
    await fill(join(made, FILES));
    writeFileSync(cacheRecordPath(made), JSON.stringify({ description }));
    try {
      renameSync(made, place);
    } catch (error) {
      if (errnoName(error) !== "ENOTEMPTY" && errnoName(error) !== "EEXIST") throw error;
      await removeTree(made);
    }
    return path;
  }
}

interface Instance {
  readonly number: number;
  readonly lock: FileLock;
}

async function acquire(directory: string, { sharing, signal }: HoldCacheOptions): Promise<Instance> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal?.throwIfAborted();
    mkdirSync(directory, { recursive: true });
    const count = sharing === "locked" ? Math.max(1, instanceCount(directory)) : Number.POSITIVE_INFINITY;
    const found = firstFree(directory, count, sharing === "shared");
    if (found !== undefined) return found;
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

function firstFree(directory: string, count: number, shared: boolean): Instance | undefined {
  for (let number = 0; number < count; number++) {
    const lock = tryHold(join(directory, `${number}.lock`), shared);
    if (lock === "gone") return undefined;
    if (lock !== undefined) return { number, lock };
  }
  return undefined;
}

/** `gone`: a prune has removed the directory since it was made. */
function tryHold(path: string, shared: boolean): FileLock | "gone" | undefined {
  try {
    return tryHoldFile(path, shared);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "NOT_FOUND") return "gone";
    throw error;
  }
}

/** Locks are made with their instances, and go when a prune removes these. */
function instanceCount(directory: string): number {
  return namesIn(directory).filter((name) => name.endsWith(".lock")).length;
}
