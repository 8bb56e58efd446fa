import { formatByteSize } from "../byte-size.ts";
import type { DiskUsage, UsageRecord } from "../index.ts";
import { cutText, layOut } from "../text-layout.ts";
import { printable } from "./printable.ts";
import { formatTable } from "./table.ts";
import { timeAgo } from "./time-ago.ts";

const HEADINGS = ["ID", "TYPE", "RECLAIMABLE", "SIZE", "LAST ACCESSED", "DESCRIPTION"];
const GAP = 2;
const DESCRIPTION_WIDTH = 60;

/** Records as docker buildx du shows them: a line each, or each in full. */
export function recordsText(records: readonly UsageRecord[], isVerbose: boolean, nowMs: number): string {
  if (isVerbose) return records.map(recordBlock).join("\n");
  return formatTable([HEADINGS, ...records.map((record) => tableRow(record, nowMs))], GAP);
}

/** The sums of a store. */
export function sumsText({ sharedBytes, privateBytes, reclaimableBytes, totalBytes }: DiskUsage): string {
  return namedLines([
    ["Shared", formatByteSize(sharedBytes)],
    ["Private", formatByteSize(privateBytes)],
    ["Reclaimable", formatByteSize(reclaimableBytes)],
    ["Total", formatByteSize(totalBytes)],
  ]);
}

/** `NAME:` and its value, the values below each other. */
export function namedLines(rows: readonly (readonly [string, string])[]): string {
  return formatTable(
    rows.map(([name, value]) => [`${name}:`, value]),
    GAP,
  );
}

function tableRow(record: UsageRecord, nowMs: number): readonly string[] {
  const description = printable(record.description).replace(/\s+/g, " ");
  return [
    shortId(record.id) + (record.mutable ? "*" : ""),
    record.type,
    String(record.reclaimable),
    formatByteSize(record.sizeBytes),
    timeAgo(nowMs - Date.parse(record.lastUsedAt)),
    cutText(layOut(description), 0, DESCRIPTION_WIDTH),
  ];
}

/** Twelve digits of a digest or of a cache's key, as docker shows them. */
function shortId(id: string): string {
  return id.replace(/[0-9a-f]{64,}/, (digits) => digits.slice(0, 12));
}

function recordBlock(record: UsageRecord): string {
  return namedLines([
    ["ID", record.id],
    ...record.parents.map((parent) => ["Parent", parent] as const),
    ["Created at", record.createdAt],
    ["Mutable", String(record.mutable)],
    ["Reclaimable", String(record.reclaimable)],
    ["In use", String(record.inUse)],
    ["Shared", String(record.shared)],
    ["Size", formatByteSize(record.sizeBytes)],
    ["Description", printable(record.description).replace(/\s+/g, " ")],
    ...(record.usageCount === undefined ? [] : [["Usage count", String(record.usageCount)] as const]),
    ["Last used", record.lastUsedAt],
    ["Type", record.type],
  ]);
}
