import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions } from "../registry-client/index.ts";
import { type FileLock, removeTree, tryHoldFile } from "../runtime-core/index.ts";
import { errnoName, withLayerErrors } from "./errors.ts";
import { isPresent } from "./small-file.ts";
import type { Workspace } from "./workspace.ts";

const FIRST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 100;
const FILES = "files";

export interface HoldCacheOptions extends CallOptions {
  /** `shared`: with others. `private`: alone, another instance when all are in use. `locked`: alone, after the others. */
  readonly sharing: "shared" | "private" | "locked";
  /** Makes `path`, which nothing has yet: the content of a new one. */
  readonly fill: (path: string) => Promise<void>;
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

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  /** Takes an instance, new if there is none that may be had. `key` is a name of hexadecimal digits. */
  async hold(key: string, options: HoldCacheOptions): Promise<HeldCache> {
    const directory = join(this.#root, key);
    return await withLayerErrors(async () => {
      mkdirSync(directory, { recursive: true });
      const { number, lock } = await acquire(directory, options);
      try {
        const path = await this.#instance(join(directory, String(number)), options.fill);
        return { path, release: () => lock.release() };
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  }

  /** It appears by one rename; of two that make it at once, the first wins. */
  async #instance(place: string, fill: HoldCacheOptions["fill"]): Promise<string> {
    const path = join(place, FILES);
    if (isPresent(path)) return path;
    const made = this.#workspace.path();
    mkdirSync(made);
    await fill(join(made, FILES));
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
    const count = sharing === "locked" ? Math.max(1, instanceCount(directory)) : Number.POSITIVE_INFINITY;
    const found = firstFree(directory, count, sharing === "shared");
    if (found !== undefined) return found;
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

function firstFree(directory: string, count: number, shared: boolean): Instance | undefined {
  for (let number = 0; number < count; number++) {
    const lock = tryHoldFile(join(directory, `${number}.lock`), shared);
    if (lock !== undefined) return { number, lock };
  }
  return undefined;
}

/** Locks are made with their instances, and stay. */
function instanceCount(directory: string): number {
  return readdirSync(directory).filter((name) => name.endsWith(".lock")).length;
}
