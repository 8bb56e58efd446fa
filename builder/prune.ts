import { type PruneResult, pruneStore, Store } from "../layers/index.ts";
import type { PruneOptions } from "./housekeeping-options.ts";
import { checkPrivilege } from "./privilege.ts";
import { defaultStore } from "./store-location.ts";
import { parseUsageFilters } from "./usage-filter.ts";

/**
 * Removes what the store need not keep, beside any number of builds: what one of them uses stays, and what one finds gone it makes
 * again. Images with a name stay whole. A process that is killed meanwhile leaves a good store.
 *
 * Throws BuildError INVALID_FILTER, ROOTLESS_UNAVAILABLE; LayerError STORE_OWNER, STORE_FORMAT, ACCESS_DENIED; the signal's
 * reason when aborted before anything was removed.
 */
export async function prune(options: PruneOptions = {}): Promise<PruneResult> {
  options.signal?.throwIfAborted();
  checkPrivilege("prune()");
  const matches = parseUsageFilters(options.filters ?? []);
  const root = options.store ?? defaultStore();
  if (!Store.isAt(root)) return { removed: [], reclaimedBytes: 0, leftBytes: 0 };
  const store = await Store.open(root);
  try {
    const nowMs = Date.now();
    return await pruneStore(store, { ...options, filter: (record) => matches(record, nowMs) });
  } finally {
    await store.close();
  }
}
