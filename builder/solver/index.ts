export { FileCacheStore } from "./cache-store.ts";
export type {
  CacheLock,
  CacheMap,
  CacheMapInput,
  CacheRecord,
  CacheStore,
  OpResult,
  OpRunner,
} from "./result.ts";
export type { SolveOptions } from "./solver.ts";
export { solve } from "./solver.ts";
