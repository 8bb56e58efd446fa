import { chmodSync, chownSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CallOptions, Digest } from "../registry-client/index.ts";
import { graftLayer, type RootfsMount, removeTree, syncFilesystem } from "../runtime-core/index.ts";
import { ChainIndex } from "./chain-index.ts";
import { withLayerErrors } from "./errors.ts";
import type { Layer } from "./layer.ts";
import {
  currentBootId,
  isSnapshotId,
  readRecord,
  recordPath,
  type SnapshotRecord,
  usesPath,
} from "./snapshot-record.ts";
import { type ActiveSnapshot, EMPTY_SNAPSHOT, type Snapshot, type Snapshotter } from "./snapshotter.ts";
import { discardStaleSnapshots, isOnDisk, markOnDisk, removeSnapshot } from "./stale-snapshots.ts";
import type { StoreUses } from "./store-uses.ts";
import { randomName, type Workspace } from "./workspace.ts";

const FILES = "fs";

/** What a snapshotter works with. */
export interface SnapshotterParts {
  readonly workspace: Workspace;
  readonly uses: StoreUses;
  /** Nothing is mounted: what snapshots show is made of plain files there. */
  readonly trees?: string | undefined;
}

/** Where the files of a pulled snapshot come from. */
export interface SnapshotOrigin {
  /** Names the whole chain of layers. */
  readonly chainId: Digest;
  /** The topmost of them. */
  readonly layer: Layer;
}

/**
 * Snapshots as directories in overlayfs's form: `<root>/<id>/fs`, and the record beside it.
 *
 * A snapshot is written in the workspace and appears by one rename. Nothing is fsynced on the way: what was written in this
 * boot is in the page cache or on disk, and what another boot left counts only when `markSynced` came after it.
 * Any number of processes may share the directory.
 */
export class OverlaySnapshotter implements Snapshotter {
  readonly #root: string;
  readonly #workspace: Workspace;
  readonly #uses: StoreUses;
  readonly #bootId: string;
  readonly #chains: ChainIndex;
  readonly #trees: string | undefined;
  /** Snapshots of this boot that this process uses: true once they are known to be on disk. */
  readonly #synced = new Map<string, boolean>();
  /** Work directories that are being removed. */
  readonly #removing: Promise<void>[] = [];

  private constructor(root: string, { workspace, uses, trees }: SnapshotterParts, bootId: string) {
    this.#trees = trees;
    this.#root = root;
    this.#workspace = workspace;
    this.#uses = uses;
    this.#bootId = bootId;
    this.#chains = new ChainIndex(join(root, "chains"), workspace);
  }

  /** Opens the snapshots in `root`, creating it. The first to do so after a boot removes what the last one left half-written. */
  static async open(root: string, parts: SnapshotterParts): Promise<OverlaySnapshotter> {
    return await withLayerErrors(async () => {
      mkdirSync(join(root, "chains"), { recursive: true });
      const bootId = currentBootId();
      await discardStaleSnapshots(root, bootId, parts.workspace);
      return new OverlaySnapshotter(root, parts, bootId);
    });
  }

  async prepare(parent: Snapshot, options: CallOptions = {}): Promise<ActiveSnapshot> {
    options.signal?.throwIfAborted();
    const directory = this.#workspace.path();
    const upper = join(directory, FILES);
    const work = this.#workspace.path();
    await withLayerErrors(async () => {
      for (const path of [directory, upper, work]) mkdirSync(path);
      this.#inheritRoot(parent, upper);
    });
    return { id: randomName(), parent, rootfs: { ...this.view(parent), upper, work } };
  }

  /** The files of `layer`, a snapshot on nothing, on top of `parent`: the same layer, whatever it covers. */
  async graft(layer: Snapshot, parent: Snapshot, options: CallOptions = {}): Promise<Snapshot> {
    const active = await this.prepare(parent, options);
    try {
      const [files] = this.view(layer).lowers;
      if (files !== undefined) await withLayerErrors(() => graftLayer(files, active.rootfs.upper, options));
      return await withLayerErrors(async () => this.#commit(active, { graftOf: layer.id }));
    } catch (error) {
      await this.discard(active);
      throw error;
    }
  }

  /** The same files on another parent. Their root directory is the parent's, unless they have one of their own. */
  async rebase(
    active: ActiveSnapshot,
    parent: Snapshot,
    { hasRoot }: { readonly hasRoot: boolean },
  ): Promise<ActiveSnapshot> {
    if (!hasRoot) await withLayerErrors(async () => this.#inheritRoot(parent, active.rootfs.upper));
    return { ...active, parent, rootfs: { ...active.rootfs, lowers: this.view(parent).lowers } };
  }

  view(snapshot: Snapshot): RootfsMount {
    const lowers = snapshot.chain.map((id) => join(this.#root, id, FILES));
    return this.#trees === undefined ? { lowers } : { lowers, trees: this.#trees };
  }

  /**
   * `origin` says what was unpacked; of two snapshots of the same chain the first stays, and both callers get it.
   * Nothing waits for the removal of the work directory but `markSynced`.
   */
  async commit(active: ActiveSnapshot, origin?: SnapshotOrigin): Promise<Snapshot> {
    return await withLayerErrors(async () => {
      const snapshot = this.#commit(active, origin);
      return origin === undefined ? snapshot : await this.#nameChain(origin.chainId, snapshot);
    });
  }

  #commit(active: ActiveSnapshot, rest: SnapshotOrigin | Pick<SnapshotRecord, "graftOf"> = {}): Snapshot {
    const snapshot = { id: active.id, chain: [...active.parent.chain, active.id] };
    const record: SnapshotRecord = { ...snapshot, bootId: this.#bootId, ...rest };
    this.#removeLater(active.rootfs.work);
    const directory = dirname(active.rootfs.upper);
    writeFileSync(recordPath(directory), JSON.stringify(record), { flag: "wx" });
    this.#uses.note(snapshot.id);
    renameSync(directory, this.#path(snapshot.id));
    this.#synced.set(snapshot.id, false);
    return snapshot;
  }

  async discard(active: ActiveSnapshot): Promise<void> {
    await withLayerErrors(async () => {
      await removeTree(dirname(active.rootfs.upper));
      await removeTree(active.rootfs.work);
    });
  }

  async find(id: string): Promise<Snapshot | undefined> {
    if (id === EMPTY_SNAPSHOT.id) return EMPTY_SNAPSHOT;
    return await withLayerErrors(async () => {
      const record = this.#read(id);
      if (record === undefined) return undefined;
      const isWhole = record.chain.every((parent, depth) =>
        isPrefix(this.#read(parent)?.chain, record.chain, depth + 1),
      );
      return isWhole ? { id, chain: record.chain } : undefined;
    });
  }

  async findChain(chainId: Digest): Promise<Snapshot | undefined> {
    return await withLayerErrors(async () => {
      const id = this.#chains.find(chainId);
      if (id === undefined || this.#read(id)?.chainId !== chainId) return undefined;
      return await this.find(id);
    });
  }

  /** The layer that the top of the chain was unpacked from: an image keeps it as it was pulled. */
  async originOf(snapshot: Snapshot): Promise<Layer | undefined> {
    return await withLayerErrors(async () => this.#read(snapshot.id)?.layer);
  }

  /** What `snapshot` was grafted from: on nothing, and perhaps gone meanwhile. */
  async graftOf(snapshot: Snapshot): Promise<Snapshot | undefined> {
    return await withLayerErrors(async () => {
      const id = this.#read(snapshot.id)?.graftOf;
      return id === undefined ? undefined : { id, chain: [id] };
    });
  }

  /** Removes a committed snapshot. Those above it are gone with it. */
  async remove(snapshot: Snapshot): Promise<void> {
    await withLayerErrors(() => removeSnapshot(this.#path(snapshot.id), this.#workspace));
  }

  /** Writes out the whole filesystem; what this process committed or found then survives a crash of the machine. */
  async markSynced(): Promise<void> {
    await withLayerErrors(async () => {
      const pending = [...this.#synced].filter(([, isSynced]) => !isSynced).map(([id]) => id);
      await Promise.all([syncFilesystem(this.#root), this.settled()]);
      for (const id of pending) {
        if (!isOnDisk(this.#path(id))) markOnDisk(this.#path(id));
        this.#synced.set(id, true);
      }
    });
  }

  /** Waits until no work directory is being removed any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#removing.splice(0));
  }

  /** While the next step runs. What cannot be removed goes with the workspace, which says why it could not. */
  #removeLater(path: string): void {
    this.#removing.push(removeTree(path).catch(() => {}));
  }

  #path(id: string): string {
    return join(this.#root, id);
  }

  /** The record of a snapshot that can be trusted to be whole. */
  #read(id: string): SnapshotRecord | undefined {
    if (!isSnapshotId(id)) return undefined;
    const directory = this.#path(id);
    this.#uses.touch(id, directory, usesPath(directory));
    const record = readRecord(directory);
    if (record?.id !== id) return undefined;
    if (record.bootId !== this.#bootId) return isOnDisk(directory) ? record : undefined;
    if (!this.#synced.has(id)) this.#synced.set(id, false);
    return record;
  }

  /** overlayfs shows the topmost layer's own root directory: a new one must look like the one it covers. */
  #inheritRoot(parent: Snapshot, upper: string): void {
    const top = this.view(parent).lowers.at(-1);
    const { mode, uid, gid } = top === undefined ? { mode: 0o755, uid: 0, gid: 0 } : statSync(top);
    chownSync(upper, uid, gid);
    chmodSync(upper, mode & 0o7777);
  }

  async #nameChain(chainId: Digest, snapshot: Snapshot): Promise<Snapshot> {
    if (this.#chains.add(chainId, snapshot.id)) return snapshot;
    const first = await this.findChain(chainId);
    if (first !== undefined) {
      await this.remove(snapshot);
      return first;
    }
    this.#chains.replace(chainId, snapshot.id);
    return snapshot;
  }
}

function isPrefix(prefix: readonly string[] | undefined, chain: readonly string[], length: number): boolean {
  return prefix?.length === length && prefix.every((id, depth) => id === chain[depth]);
}
