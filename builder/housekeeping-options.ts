/** What `diskUsage` and `prune` have in common. */
export interface DiskUsageOptions {
  /** Where the store is. Default: where builds have it. */
  readonly store?: string;
  /** As on docker's command line: `type=regular`, `until=24h`, `inuse`. All must hold. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface PruneOptions extends DiskUsageOptions {
  /**
   * Default false: the build cache that no image with a name is made of, images without a name, and content that nothing names.
   * True: all build cache. An image with a name stays whole either way: what builds on it unpacks it again.
   */
  readonly all?: boolean;
  /** Keeps what was used within so many milliseconds. */
  readonly keepDurationMs?: number;
  /** Removes no more than brings the cache below so many bytes: the least recently and least often used first. */
  readonly maxUsedBytes?: number;
  /** Removes no more than until so many bytes of the filesystem are free. */
  readonly minFreeBytes?: number;
  /** Keeps at least so many bytes of cache, whatever else is asked. */
  readonly reservedBytes?: number;
  /** Says what would be removed, and removes nothing. */
  readonly dryRun?: boolean;
}
