import type { UsageRecord } from "./usage-record.ts";

/** What a prune may remove, and how much. BuildKit's rules and names. */
export interface PrunePolicy {
  /**
   * Default false: build cache that no image in `index.json` is made of, content that nothing names, and images without a name.
   * True: all build cache. Images in `index.json` always stay whole.
   */
  readonly all?: boolean;
  /** Removes only what this says yes to. */
  readonly filter?: (record: UsageRecord) => boolean;
  /** Keeps what was used within so many milliseconds. */
  readonly keepDurationMs?: number;
  /** Removes no more than brings what may be removed below so many bytes: the least recently and least often used first. */
  readonly maxUsedBytes?: number;
  /** Removes until so many bytes of the filesystem are free. */
  readonly minFreeBytes?: number;
  /** Never goes below so many bytes of what may be removed. */
  readonly reservedBytes?: number;
}

/** Whether a policy allows a record to be removed. What others stand on stays with them. */
export function allows(
  { all = false, filter, keepDurationMs = 0 }: PrunePolicy,
  record: UsageRecord,
  now: number,
): boolean {
  if (!record.reclaimable || (record.shared && !all)) return false;
  if (keepDurationMs > 0 && Date.parse(record.lastUsedAt) > now - keepDurationMs) return false;
  return filter?.(record) ?? true;
}

/** How many bytes may stay of `usedBytes`: 0 where a policy names no bound. BuildKit's `calculateKeepBytes`. */
export function keepBytes(policy: PrunePolicy, usedBytes: number, freeBytes: number): number {
  const { maxUsedBytes = 0, minFreeBytes = 0, reservedBytes = 0 } = policy;
  const lacking = minFreeBytes - freeBytes;
  const most = maxUsedBytes > 0 ? maxUsedBytes : Number.POSITIVE_INFINITY;
  if (lacking > 0) return Math.max(Math.min(most, usedBytes - lacking), reservedBytes);
  if (maxUsedBytes > 0) return Math.max(maxUsedBytes, reservedBytes);
  if (minFreeBytes > 0) return Number.POSITIVE_INFINITY;
  return reservedBytes;
}
