import { type DiskUsage, Store, storeUsage } from "../layers/index.ts";
import { callOptions } from "./call-options.ts";
import type { DiskUsageOptions } from "./housekeeping-options.ts";
import { checkPrivilege } from "./privilege.ts";
import { defaultStore } from "./store-location.ts";
import { parseUsageFilters } from "./usage-filter.ts";

/**
 * What the store keeps, the most recently used first, with sums of all that it keeps. Filters choose among the records, not what
 * is summed up. A store that is not there keeps nothing, and is not made.
 *
 * Throws BuildError INVALID_FILTER, ROOTLESS_UNAVAILABLE; LayerError STORE_OWNER, STORE_FORMAT, ACCESS_DENIED.
 */
export async function diskUsage(options: DiskUsageOptions = {}): Promise<DiskUsage> {
  options.signal?.throwIfAborted();
  checkPrivilege("diskUsage()");
  const filter = parseUsageFilters(options.filters ?? []);
  const root = options.store ?? defaultStore();
  if (!Store.isAt(root)) return { ...EMPTY, root };
  const store = await Store.open(root);
  try {
    const usage = await storeUsage(store, callOptions(options));
    const nowMs = Date.now();
    return { ...usage, records: usage.records.filter((record) => filter(record, nowMs)) };
  } finally {
    await store.close();
  }
}

const EMPTY = { records: [], totalBytes: 0, reclaimableBytes: 0, sharedBytes: 0, privateBytes: 0 } as const;
