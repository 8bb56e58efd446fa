import type { CallOptions, Digest } from "../registry-client/index.ts";
import type { RootfsMount, WritableRootfs } from "../runtime-core/index.ts";

/** A committed filesystem state: a chain of unpacked layers. Immutable. Scratch is `EMPTY_SNAPSHOT`, the chain without layers. */
export interface Snapshot {
  /** Names it in the store; "" for scratch. */
  readonly id: string;
  /** The snapshots of the chain, lowest first, this one last. Empty for scratch. */
  readonly chain: readonly string[];
}

export const EMPTY_SNAPSHOT: Snapshot = { id: "", chain: [] };

/** A snapshot being written. It becomes one by `commit`, or is thrown away by `discard`; a killed process leaves it for the sweep. */
export interface ActiveSnapshot {
  readonly id: string;
  readonly parent: Snapshot;
  readonly rootfs: WritableRootfs;
}

/** containerd's words: describes mounts, the sandbox and the tree operations perform them. */
export interface Snapshotter {
  prepare(parent: Snapshot, options?: CallOptions): Promise<ActiveSnapshot>;
  /** Where a committed state can be read. */
  view(snapshot: Snapshot): RootfsMount;
  commit(active: ActiveSnapshot): Promise<Snapshot>;
  discard(active: ActiveSnapshot): Promise<void>;
  /** The snapshot named `id`, whole, or undefined when it or one of its parents is gone. */
  find(id: string): Promise<Snapshot | undefined>;
  /** The snapshot of a chain of pulled layers, by the chain id that it was committed with. */
  findChain(chainId: Digest): Promise<Snapshot | undefined>;
}
