import { stripVTControlCharacters } from "node:util";
import type { Digest } from "../../../registry-client/index.ts";
import type { SandboxUsage } from "../../../runtime-core/index.ts";
import type { BuildEvent, LogEvent, StatusEvent, VertexEvent, WarningEvent } from "../../events.ts";
import { cutText, layOut } from "../../text-layout.ts";
import type { Display, DisplayOutput } from "./display.ts";
import { FailedLogs } from "./failed-log.ts";
import { LineSplitter } from "./line-splitter.ts";
import { formatSize } from "./size.ts";
import { shortUsageText } from "./usage-text.ts";
import { renderWarnings } from "./warnings.ts";

const REDRAW_MS = 100;
/** Lines of a running step's log that are shown below it. */
const TAIL_LINES = 6;

interface RunningVertex {
  readonly name: string;
  readonly startedMs: number;
  readonly streams: { readonly stdout: LineSplitter; readonly stderr: LineSplitter };
  readonly statuses: Map<string, string>;
  tail: readonly string[];
}

/** For a terminal: a line for each finished step, below them the running ones with the end of their logs, drawn in place. */
export class TtyDisplay implements Display {
  readonly #output: DisplayOutput;
  readonly #now: () => number;
  readonly #running = new Map<Digest, RunningVertex>();
  readonly #failed: FailedLogs;
  readonly #warnings: WarningEvent[] = [];
  readonly #usages = new Map<Digest, SandboxUsage>();
  readonly #timer: NodeJS.Timeout;
  #drawnLines = 0;
  #finished = "";

  /** `now` is milliseconds since the build began. */
  constructor(output: DisplayOutput, now: () => number = elapsed()) {
    this.#output = output;
    this.#now = now;
    this.#failed = new FailedLogs((text) => {
      this.#write([]);
      this.#output.write(text);
    });
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS).unref();
  }

  readonly onEvent = (event: BuildEvent): void => {
    if (event.type === "vertex") this.#onVertex(event);
    if (event.type === "log") this.#onLog(event);
    if (event.type === "status") this.#onStatus(event);
    if (event.type === "usage") this.#usages.set(event.digest, event.usage);
    if (event.type === "warning") this.#warnings.push(event);
    this.#failed.onEvent(event);
  };

  say(line: string): void {
    this.#finished += `${line}\n`;
    this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#running.clear();
    this.#draw();
    this.#failed.close();
    this.#output.write(renderWarnings(this.#warnings));
  }

  #onVertex(event: VertexEvent): void {
    const name = event.name.replace(/\s*\n\s*/g, " ");
    const known = this.#running.get(event.digest);
    if (event.state !== "started") {
      this.#running.delete(event.digest);
      this.#finished += `${this.#endLine(event, name, known?.startedMs ?? event.timeMs)}\n`;
      return;
    }
    this.#running.set(event.digest, {
      name,
      startedMs: event.timeMs,
      streams: { stdout: new LineSplitter(), stderr: new LineSplitter() },
      statuses: new Map(),
      tail: [],
    });
  }

  #onLog({ digest, stream, data }: LogEvent): void {
    const vertex = this.#running.get(digest);
    if (vertex === undefined) return;
    const lines = vertex.streams[stream].push(data).slice(-TAIL_LINES);
    vertex.tail = [...vertex.tail, ...lines.map(visibleText)].slice(-TAIL_LINES);
  }

  #onStatus({ digest, id, current, total, done }: StatusEvent): void {
    const statuses = this.#running.get(digest)?.statuses;
    if (statuses === undefined) return;
    if (done) statuses.delete(id);
    else statuses.set(id, `${id} ${formatSize(current)}${total > 0 ? ` / ${formatSize(total)}` : ""}`);
  }

  #endLine({ digest, state, timeMs }: VertexEvent, name: string, startedMs: number): string {
    switch (state) {
      case "cached":
        return this.#fit(` = CACHED ${name}`);
      case "failed":
        return this.#fit(` x ERROR ${name}`, timeMs - startedMs, this.#takeUsage(digest));
      case "canceled":
        return this.#fit(` - CANCELED ${name}`);
      case "started":
      case "completed":
        return this.#fit(` + ${name}`, timeMs - startedMs, this.#takeUsage(digest));
    }
  }

  #takeUsage(digest: Digest): string {
    const usage = this.#usages.get(digest);
    this.#usages.delete(digest);
    return usage === undefined ? "" : shortUsageText(usage);
  }

  #draw(): void {
    this.#write(this.#liveLines());
  }

  /** One write: up over what was drawn, what has finished since, then what runs. */
  #write(live: readonly string[]): void {
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A\u001b[J` : "";
    const text = `${up}${this.#finished}${live.map((line) => `${line}\n`).join("")}`;
    this.#finished = "";
    this.#drawnLines = live.length;
    if (text !== "") this.#output.write(text);
  }

  #liveLines(): readonly string[] {
    const now = this.#now();
    const lines = [...this.#running.values()].flatMap((vertex) => [
      this.#fit(` > ${vertex.name}`, now - vertex.startedMs),
      ...[...vertex.statuses.values(), ...vertex.tail].map((line) => this.#fit(`   | ${line}`)),
    ]);
    return lines.slice(0, Math.max(1, this.#output.size().rows - 1));
  }

  /** One line of the terminal, never two, since the cursor goes up by lines; what is too long loses its end, not its time. */
  #fit(text: string, durationMs?: number, usage = ""): string {
    const time = durationMs === undefined ? "" : `  ${(durationMs / 1000).toFixed(1)}s`;
    const room = Math.max(10, this.#output.size().columns - 1 - time.length);
    const laidOut = layOut(text);
    const isRoomForMore = usage !== "" && laidOut.width + usage.length + 2 <= room;
    return cutText(laidOut, 0, room) + time + (isRoomForMore ? `  ${usage}` : "");
  }
}

/** A log line without the escape sequences in it; of lines drawn over each other with \r, the last. */
function visibleText(line: string): string {
  return stripVTControlCharacters(line.slice(line.lastIndexOf("\r", line.length - 2) + 1)).trimEnd();
}

function elapsed(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
