import { mkdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { type Digest, OciLayout } from "../registry-client/index.ts";
import { holdsOverlayMarks, releaseTrees } from "../runtime-core/index.ts";
import { CacheMounts } from "./cache-mounts.ts";
import { LayerError, withLayerErrors } from "./errors.ts";
import { sweepLocks } from "./file-lock.ts";
import { KnownLayers } from "./known-layers.ts";
import type { Layer } from "./layer.ts";
import { OverlaySnapshotter } from "./overlay-snapshotter.ts";
import { Semaphore } from "./semaphore.ts";
import { SharedWork } from "./shared-work.ts";
import { isPresent, readSmallFile } from "./small-file.ts";
import { currentBootId } from "./snapshot-record.ts";
import type { Snapshot } from "./snapshotter.ts";
import { isCheckedIn } from "./stale-snapshots.ts";
import { StatIndexes } from "./stat-indexes.ts";
import { checkIds } from "./store-ids.ts";
import { StoreUses } from "./store-uses.ts";
import { discardDamagedBlobs, lastSyncMs, noteSync } from "./unsynced-blobs.ts";
import { Workspace } from "./workspace.ts";

const FORMAT_FILE = "tsbuild-store";
/** Raised when an older tsbuild could not read what a newer one writes. */
const FORMAT = "1\n";

/** Snapshots whose whiteouts only tsbuild reads, made by an unprivileged container: a mount would show what they remove. */
const UNMOUNTABLE = "snapshots-unmountable";

export interface StoreOptions {
  /** false: what snapshots show is made of plain files, for where nothing may be mounted. Default true. */
  readonly mounts?: boolean;
}

/**
 * Everything that tsbuild keeps: an OCI image layout (`oci-layout`, `index.json`, `blobs/`) that other tools read as it lies,
 * and beside it what can be made again from it.
 *
 * ```
 * snapshots/   unpacked layers          layers/   which blob a snapshot became
 * cache/       results by cache key     locks/    who executes what
 * mounts/      caches of RUN            sources/  which snapshot an address gave
 * stat/        contents of contexts     tmp/      unfinished work and what is in use, a directory a process
 * ```
 * Any number of processes may use a store at once; a killed one leaves only what the next `open` removes from `tmp/`.
 */
export class Store {
  /** Absolute. */
  readonly root: string;
  readonly layout: OciLayout;
  readonly snapshotter: OverlaySnapshotter;
  readonly layers: KnownLayers;
  readonly workspace: Workspace;
  readonly cacheMounts: CacheMounts;
  readonly statIndexes: StatIndexes;
  /** What is being packed and unpacked now, so that nothing is done twice. */
  readonly packing: SharedWork<Layer> = new SharedWork();
  readonly unpacking: SharedWork<Snapshot> = new SharedWork();
  /** Bounds native calls that take long: they run on Node's thread pool, which file access needs too. */
  readonly heavyWork: Semaphore = new Semaphore(Math.min(availableParallelism(), 3));

  readonly #trees: string | undefined;

  private constructor(
    parts: Pick<Store, "root" | "layout" | "snapshotter" | "layers" | "workspace"> & {
      readonly trees: string | undefined;
      readonly uses: StoreUses;
    },
  ) {
    this.#trees = parts.trees;
    this.root = parts.root;
    this.layout = parts.layout;
    this.snapshotter = parts.snapshotter;
    this.layers = parts.layers;
    this.workspace = parts.workspace;
    this.cacheMounts = new CacheMounts(join(parts.root, "mounts"), parts);
    this.statIndexes = new StatIndexes(join(parts.root, "stat"), parts.workspace);
  }

  /**
   * Opens the store at `root`, creating it. Throws STORE_FORMAT when a newer tsbuild made it, STORE_OWNER when another
   * user did, STORE_IDS when this process has a single id and others wrote it with more, ACCESS_DENIED, NO_SPACE.
   */
  static async open(path: string, { mounts = true }: StoreOptions = {}): Promise<Store> {
    const root = resolve(path);
    return await withLayerErrors(async () => {
      for (const name of ["cache", "layers", "locks"]) mkdirSync(join(root, name), { recursive: true });
      sweepLocks(join(root, "locks"));
      const workspace = await Workspace.open(join(root, "tmp"));
      checkFormat(root, workspace);
      const uses = new StoreUses(root, workspace);
      const onUse = (digest: Digest, path: string) => uses.touch(digest, path);
      const layout = await OciLayout.open(root, { create: true, durability: "none", onUse });
      const trees = mounts ? undefined : workspace.path();
      const snapshots = join(
        root,
        trees === undefined || holdsOverlayMarks(workspace.path()) ? "snapshots" : UNMOUNTABLE,
      );
      if (!isCheckedIn(snapshots, currentBootId())) await discardDamagedBlobs(layout, lastSyncMs(root));
      const snapshotter = await OverlaySnapshotter.open(snapshots, { workspace, uses, trees });
      return new Store({
        root,
        layout,
        snapshotter,
        layers: new KnownLayers(join(root, "layers"), workspace),
        workspace,
        trees,
        uses,
      });
    });
  }

  /** Whether there is a store at `path`. */
  static isAt(path: string): boolean {
    return isPresent(join(path, FORMAT_FILE));
  }

  /** Where the lock named `name` lies. */
  lockPath(name: string): string {
    return join(this.root, "locks", name);
  }

  /** Puts everything on disk. Call it once at the end of a build, before a name points at what was made. */
  async sync(): Promise<void> {
    const beganMs = Date.now();
    await this.snapshotter.markSynced();
    await withLayerErrors(async () => noteSync(this.root, beganMs, this.workspace));
  }

  /** Keeps what was learnt of contexts and removes this process's unfinished work. The store must not be used any more. */
  async close(): Promise<void> {
    await this.statIndexes.save();
    if (this.#trees !== undefined) releaseTrees(this.#trees);
    await this.snapshotter.settled();
    await this.workspace.close();
  }
}

function checkFormat(root: string, workspace: Workspace): void {
  const path = join(root, FORMAT_FILE);
  const found = readSmallFile(path);
  if (found === undefined) workspace.replaceFile(path, FORMAT);
  else if (found === FORMAT) checkOwner(root, path);
  else throw newerFormat(root, found);
  checkIds(root, found === undefined, workspace);
}

function newerFormat(root: string, found: string): LayerError {
  return new LayerError(
    "STORE_FORMAT",
    `${root} is a store of format ${JSON.stringify(found.trim())}, not ${FORMAT.trim()}`,
    {
      hint: "use the tsbuild that made it, or another store with TSBUILD_STORE",
    },
  );
}

/** A user's store holds ids of the user's namespace: root, to whom they are other ids, would build other layers from it. */
function checkOwner(root: string, path: string): void {
  const { uid } = statSync(path);
  if (process.geteuid === undefined || uid === process.geteuid()) return;
  throw new LayerError("STORE_OWNER", `${root} is the store of another user (uid ${uid} as seen from here)`, {
    hint: "a store belongs to one user: build as that user, or use another store with TSBUILD_STORE",
  });
}
