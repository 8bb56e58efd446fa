import type { SandboxUsage } from "../../../runtime-core/index.ts";
import { formatSize } from "./size.ts";

/** Less than this of a disk, a network or a layer is not worth a word. */
const LEAST_BYTES = 1000;

/** `1.2s cpu, 214.50MB memory, 3.40MB written, 1.02MB added`: what a step used, without what it used nothing of. */
export function usageText(usage: SandboxUsage): string {
  const { memoryPeakBytes, pidsPeak, layerBytes } = usage;
  return [
    `${cpuSeconds(usage)}s cpu`,
    ...(memoryPeakBytes === undefined ? [] : [`${formatSize(memoryPeakBytes)} memory`]),
    ...bytes(usage.ioReadBytes, "read"),
    ...bytes(usage.ioWrittenBytes, "written"),
    ...bytes(usage.networkReceivedBytes, "received"),
    ...bytes(usage.networkSentBytes, "sent"),
    ...bytes(layerBytes, "added"),
    ...(pidsPeak === undefined || pidsPeak < 2 ? [] : [`${pidsPeak} processes`]),
  ].join(", ");
}

/** The same in a few characters, `31.2s cpu 214.50MB`; "" for a step that used next to nothing. */
export function shortUsageText(usage: SandboxUsage): string {
  const seconds = cpuSeconds(usage);
  if (Number(seconds) === 0) return "";
  const memory = usage.memoryPeakBytes === undefined ? "" : ` ${formatSize(usage.memoryPeakBytes)}`;
  return `${seconds}s cpu${memory}`;
}

function cpuSeconds({ cpuUserMs, cpuSystemMs }: SandboxUsage): string {
  return ((cpuUserMs + cpuSystemMs) / 1000).toFixed(1);
}

function bytes(count: number | undefined, what: string): readonly string[] {
  return count === undefined || count < LEAST_BYTES ? [] : [`${formatSize(count)} ${what}`];
}
