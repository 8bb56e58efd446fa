import type { BuildEvent, LogEvent, VertexEvent } from "../../../../builder/events.ts";
import type { Digest } from "../../../../registry-client/index.ts";
import type { SandboxUsage } from "../../../../runtime-core/index.ts";

/** A vertex event; digest and name are made from `name`. */
export function vertex(name: string, state: VertexEvent["state"], timeMs: number, error?: string): VertexEvent {
  return { type: "vertex", digest: digest(name), name, state, timeMs, ...(error === undefined ? {} : { error }) };
}

export function log(name: string, text: string, timeMs: number, stream: LogEvent["stream"] = "stdout"): LogEvent {
  return { type: "log", digest: digest(name), stream, data: Buffer.from(text), timeMs };
}

export function status(name: string, id: string, current: number, total: number, timeMs: number): BuildEvent {
  return { type: "status", digest: digest(name), id, current, total, done: current === total, timeMs };
}

/** What a RUN used that used a little of everything. */
export const USAGE: SandboxUsage = {
  wallMs: 3000,
  cpuUserMs: 1100,
  cpuSystemMs: 140,
  ioReadBytes: 999,
  ioWrittenBytes: 3_400_000,
  memoryPeakBytes: 214_500_000,
  pidsPeak: 12,
  layerBytes: 1_020_000,
};

export function usage(name: string, used: SandboxUsage = USAGE): BuildEvent {
  return { type: "usage", digest: digest(name), usage: used };
}

export function digest(name: string): Digest {
  return `sha256:${Buffer.from(name).toString("hex")}`;
}

/** An output that keeps what is written. */
export class Recorder {
  text = "";
  readonly isTTY = true;
  readonly color = false;
  columns = 40;
  rows = 10;

  readonly write = (text: string): void => {
    this.text += text;
  };

  size(): { columns: number; rows: number } {
    return { columns: this.columns, rows: this.rows };
  }
}
