import type { Snapshot } from "../../layers/index.ts";
import type { CallOptions, Digest } from "../../registry-client/index.ts";
import type { TreeSource } from "../../runtime-core/index.ts";

/** What a vertex yields: a filesystem state, or files that are read where they lie. */
export type OpResult =
  | { readonly type: "snapshot"; readonly snapshot: Snapshot }
  | { readonly type: "local"; readonly source: TreeSource };

/**
 * What identifies the work of one vertex beside its inputs. BuildKit's words: `digest` covers the op, `inputs` say how each
 * input enters the key.
 */
export interface CacheMap {
  readonly digest: Digest;
  /** Its result holds only for this build (a local context): no definition key above it can hit. */
  readonly isVolatile?: boolean;
  readonly inputs: readonly CacheMapInput[];
}

export interface CacheMapInput {
  /** When given, the input enters the key by the digest of the files that are used of it, not by how it was made. */
  readonly contentDigest?: (input: OpResult, options: CallOptions) => Promise<Digest>;
}

/** How one vertex is keyed and executed: made by `resolveOp`, so that the solver knows no op. */
export interface OpRunner {
  cacheMap(options: CallOptions): Promise<CacheMap>;
  exec(inputs: readonly OpResult[], options: CallOptions): Promise<OpResult>;
  /** Told, perhaps several times, once `exec` is likely to be called: a chance to prepare what it will need. */
  expectExec?(): void;
}

/** A persistent map from cache keys to results. */
export interface CacheStore {
  find(key: Digest): Promise<CacheRecord | undefined>;
  save(key: Digest, record: CacheRecord): Promise<void>;
  /**
   * The right to execute what `key` names; undefined while another build, in this process or any other, has it. A store
   * without it is correct too, but equal work of two builds may then be done twice.
   */
  tryLock?(key: Digest): Promise<CacheLock | undefined>;
}

export interface CacheLock {
  release(): void;
}

export interface CacheRecord {
  readonly snapshot: Snapshot;
  /** The key by content: what vertices above this one build their own keys from. */
  readonly resultKey: Digest;
  /** The name of the vertex that was executed, for those who look at the cache. */
  readonly name?: string;
}
