import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../registry-client/index.ts";
import { isLayer, type Layer } from "./layer.ts";
import { readSmallFile } from "./small-file.ts";

/** What is written beside a snapshot's files, before it gets its name. */
export interface SnapshotRecord {
  readonly id: string;
  /** Lowest first, `id` last. */
  readonly chain: readonly string[];
  /** The boot it was written in. */
  readonly bootId: string;
  /** The chain of layers it was unpacked from, and the topmost of them, where it was pulled. */
  readonly chainId?: Digest;
  readonly layer?: Layer;
  /** The snapshot on nothing that has the same files, where it was grafted: their layer is that one's. */
  readonly graftOf?: string;
}

const RECORD_FILE = "snapshot.json";
/** Its presence says that the snapshot's data is on disk. Created only after syncfs(2) has returned. */
const SYNCED_FILE = "synced";
const MAX_RECORD_BYTES = 64 * 1024;

/** A byte for each build that found the snapshot, beside the one that made it. */
const USES_FILE = "uses";

export const recordPath = (directory: string): string => join(directory, RECORD_FILE);
export const syncedPath = (directory: string): string => join(directory, SYNCED_FILE);
export const usesPath = (directory: string): string => join(directory, USES_FILE);

/** The record in `directory`; undefined when there is none or when it is damaged: the snapshot can be made again. */
export function readRecord(directory: string): SnapshotRecord | undefined {
  const text = readSmallFile(recordPath(directory));
  return text === undefined ? undefined : parseRecord(text);
}

/** Identifies this boot of the machine. random(4), proc_sys_kernel(5). */
export function currentBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function parseRecord(text: string): SnapshotRecord | undefined {
  if (text.length > MAX_RECORD_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is SnapshotRecord {
  if (typeof value !== "object" || value === null) return false;
  const { id, chain, bootId, layer, graftOf } = value as Partial<SnapshotRecord>;
  if (layer !== undefined && !isLayer(layer)) return false;
  if (graftOf !== undefined && !isSnapshotId(graftOf)) return false;
  return typeof bootId === "string" && Array.isArray(chain) && chain.every(isSnapshotId) && chain.at(-1) === id;
}

/** Snapshot names come from files that anyone may have written: they never leave the snapshots directory. */
export function isSnapshotId(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9]{10}$/.test(value);
}
