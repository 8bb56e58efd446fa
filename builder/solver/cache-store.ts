import { readFileSync } from "node:fs";
import { join } from "node:path";
import { layerError, type Store } from "../../layers/index.ts";
import { type Digest, digestHex, isDigest } from "../../registry-client/index.ts";
import { tryLockFile } from "../../runtime-core/index.ts";
import type { CacheLock, CacheRecord, CacheStore } from "./result.ts";

/** What a cache file says. It repeats its key, so that a file that was moved or copied is no record. */
interface StoredRecord {
  readonly key: Digest;
  readonly snapshotId: string;
  readonly resultKey: Digest;
  /** Read by nobody but people: `tsbuild du`. */
  readonly name?: string | undefined;
}

/**
 * Cache records in the store's `cache/`, a file a key. A record that is damaged, or whose snapshot is not whole any more, is a
 * miss: what it says can be made again.
 */
export class FileCacheStore implements CacheStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async find(key: Digest): Promise<CacheRecord | undefined> {
    const record = parseRecord(this.#read(key));
    if (record?.key !== key) return undefined;
    const snapshot = await this.#store.snapshotter.find(record.snapshotId);
    return snapshot === undefined ? undefined : { snapshot, resultKey: record.resultKey };
  }

  /** Throws LayerError NO_SPACE. */
  async save(key: Digest, { snapshot, resultKey, name }: CacheRecord): Promise<void> {
    const record: StoredRecord = { key, snapshotId: snapshot.id, resultKey, name };
    try {
      this.#store.workspace.replaceFile(this.#path(key), JSON.stringify(record));
    } catch (error) {
      throw layerError(error);
    }
  }

  async tryLock(key: Digest): Promise<CacheLock | undefined> {
    return tryLockFile(this.#store.lockPath(digestHex(key)));
  }

  #path(key: Digest): string {
    return join(this.#store.root, "cache", digestHex(key));
  }

  /** In place: the file is small, and a trip to the thread pool costs ten times the read. */
  #read(key: Digest): string {
    try {
      return readFileSync(this.#path(key), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw layerError(error);
    }
  }
}

function parseRecord(text: string): StoredRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStoredRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStoredRecord(value: unknown): value is StoredRecord {
  if (typeof value !== "object" || value === null) return false;
  const { key, snapshotId, resultKey } = value as Partial<StoredRecord>;
  return (
    typeof snapshotId === "string" && [key, resultKey].every((digest) => typeof digest === "string" && isDigest(digest))
  );
}
