import type { Digest } from "../../../registry-client/index.ts";
import type { SandboxUsage } from "../../../runtime-core/index.ts";
import type { BuildEvent, LogEvent, StatusEvent, VertexEvent, WarningEvent } from "../../events.ts";
import { printable } from "../printable.ts";
import type { Display, DisplayOutput } from "./display.ts";
import { LineSplitter } from "./line-splitter.ts";
import { logText } from "./log-text.ts";
import { formatSize } from "./size.ts";
import { usageText } from "./usage-text.ts";
import { renderWarnings } from "./warnings.ts";

/** How long a step's output waits for another step to come to its end. */
const PATIENCE_MS = 1000;

interface PlainVertex {
  readonly number: number;
  readonly name: string;
  readonly startedMs: number;
  readonly streams: { readonly stdout: LineSplitter; readonly stderr: LineSplitter };
  readonly doneStatuses: Set<string>;
  hasEnded: boolean;
  /** Lines that wait for another step. */
  waiting: string[] | undefined;
}

/**
 * Line by line, as BuildKit's plain progress: `#7 [build 2/4] RUN npm ci`, `#7 0.312 text`, `#7 CACHED`, `#7 DONE 3.1s`,
 * `#7 ERROR: …`, and before the end of a RUN what it used: `#7 used 1.2s cpu, 214.50MB memory`. Steps that run at once take
 * turns, so that their lines are not mixed one by one.
 */
export class PlainDisplay implements Display {
  readonly #output: Pick<DisplayOutput, "write">;
  readonly #vertices = new Map<Digest, PlainVertex>();
  readonly #warnings: WarningEvent[] = [];
  readonly #usages = new Map<Digest, SandboxUsage>();
  /** The step whose lines were written last. */
  #shown: PlainVertex | undefined;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(output: Pick<DisplayOutput, "write">) {
    this.#output = output;
  }

  readonly onEvent = (event: BuildEvent): void => {
    switch (event.type) {
      case "vertex":
        this.#onVertex(event);
        break;
      case "log":
        this.#onLog(event);
        break;
      case "status":
        this.#onStatus(event);
        break;
      case "warning":
        this.#warnings.push(event);
        break;
      case "usage":
        this.#usages.set(event.digest, event.usage);
        break;
    }
  };

  say(line: string): void {
    this.#output.write(`${line}\n`);
  }

  close(): void {
    this.#showWaiting();
    this.#output.write(renderWarnings(this.#warnings));
  }

  #onVertex(event: VertexEvent): void {
    const vertex = this.#vertexOf(event);
    if (event.state === "started") this.#say(vertex, []);
    else this.#end(vertex, event);
  }

  #end(vertex: PlainVertex, event: VertexEvent): void {
    const seconds = (event.timeMs - vertex.startedMs) / 1000;
    const rest = [...vertex.streams.stdout.end(), ...vertex.streams.stderr.end()];
    vertex.hasEnded = true;
    this.#say(vertex, [
      ...rest.map((line) => timed(seconds, line)),
      ...this.#usageLine(event),
      endLine(event, seconds),
    ]);
    if (this.#shown?.hasEnded !== false) this.#showWaiting();
  }

  #usageLine({ digest }: VertexEvent): readonly string[] {
    const usage = this.#usages.get(digest);
    this.#usages.delete(digest);
    return usage === undefined ? [] : [`used ${usageText(usage)}`];
  }

  #onLog({ digest, stream, data, timeMs }: LogEvent): void {
    const vertex = this.#vertices.get(digest);
    if (vertex === undefined) return;
    const seconds = (timeMs - vertex.startedMs) / 1000;
    const lines = vertex.streams[stream].push(data);
    if (lines.length > 0)
      this.#say(
        vertex,
        lines.map((line) => timed(seconds, line)),
      );
  }

  #onStatus({ digest, id, current, total, done, timeMs }: StatusEvent): void {
    const vertex = this.#vertices.get(digest);
    if (vertex === undefined || !done || vertex.doneStatuses.has(id)) return;
    vertex.doneStatuses.add(id);
    const size = total > 0 ? ` ${formatSize(current)} / ${formatSize(total)}` : "";
    this.#say(vertex, [`${printable(id)}${size} ${((timeMs - vertex.startedMs) / 1000).toFixed(1)}s done`]);
  }

  #vertexOf({ digest, name, timeMs }: VertexEvent): PlainVertex {
    const known = this.#vertices.get(digest);
    if (known !== undefined && !known.hasEnded) return known;
    const vertex: PlainVertex = {
      number: ++this.#count,
      name: printable(name.replace(/\s*\n\s*/g, " ")),
      startedMs: timeMs,
      streams: { stdout: new LineSplitter(), stderr: new LineSplitter() },
      doneStatuses: new Set(),
      hasEnded: false,
      waiting: undefined,
    };
    this.#vertices.set(digest, vertex);
    return vertex;
  }

  #say(vertex: PlainVertex, lines: readonly string[]): void {
    const isFree = this.#shown === undefined || this.#shown === vertex || this.#shown.hasEnded;
    if (isFree && vertex.waiting === undefined) {
      this.#write(vertex, lines);
      return;
    }
    vertex.waiting ??= [];
    for (const line of lines) vertex.waiting.push(line);
    this.#timer ??= setTimeout(() => this.#showWaiting(), PATIENCE_MS).unref();
  }

  #showWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const vertex of this.#vertices.values()) {
      const { waiting } = vertex;
      vertex.waiting = undefined;
      if (waiting !== undefined) this.#write(vertex, waiting);
    }
  }

  #write(vertex: PlainVertex, lines: readonly string[]): void {
    let text = "";
    if (this.#shown !== vertex) {
      if (this.#shown?.hasEnded === false) text += `#${this.#shown.number} ...\n`;
      text += `${this.#shown === undefined ? "" : "\n"}#${vertex.number} ${vertex.name}\n`;
      this.#shown = vertex;
    }
    for (const line of lines) text += `#${vertex.number} ${line}\n`;
    this.#output.write(text);
  }
}

function timed(seconds: number, line: string): string {
  return `${seconds.toFixed(3)} ${logText(line)}`;
}

function endLine({ state, error }: VertexEvent, seconds: number): string {
  switch (state) {
    case "cached":
      return "CACHED";
    case "failed":
      return `ERROR: ${printable(error ?? "failed")}`;
    case "canceled":
      return "CANCELED";
    case "started":
    case "completed":
      return `DONE ${seconds.toFixed(1)}s`;
  }
}
