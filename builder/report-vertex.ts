import { type CopyProgress, type Digest, digestBytes } from "../registry-client/index.ts";
import type { StatusEvent } from "./events.ts";
import type { OpContext } from "./ops/index.ts";

type ReportCopy = (progress: CopyProgress) => void;

/** Shows work outside the graph, exporting and pushing, as a vertex of its own, as BuildKit does. */
export async function reportVertex<T>(
  name: string,
  { onEvent, elapsedMs }: OpContext,
  work: (report: ReportCopy) => Promise<T>,
): Promise<T> {
  const digest = digestBytes(Buffer.from(name));
  const vertex = { type: "vertex", digest, name } as const;
  onEvent({ ...vertex, state: "started", timeMs: elapsedMs() });
  try {
    const result = await work((progress) => onEvent(copyStatus(digest, progress, elapsedMs())));
    onEvent({ ...vertex, state: "completed", timeMs: elapsedMs() });
    return result;
  } catch (error) {
    onEvent({ ...vertex, state: "failed", timeMs: elapsedMs(), error: messageOf(error) });
    throw error;
  }
}

/** Progress of one blob or manifest of a copy. */
function copyStatus(digest: Digest, progress: CopyProgress, timeMs: number): StatusEvent {
  const { descriptor, state } = progress;
  const done = state === "done" || state === "exists" || state === "mounted" || state === "skipped";
  const current = done ? descriptor.size : progress.bytes;
  return { type: "status", digest, id: descriptor.digest, current, total: descriptor.size, done, timeMs };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
