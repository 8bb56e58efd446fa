import type { Digest } from "../../../registry-client/index.ts";
import type { BuildEvent, VertexEvent, WarningEvent } from "../../events.ts";
import type { SourceFile } from "../../index.ts";
import type { Display, DisplayOutput } from "./display.ts";
import { shortWarning } from "./warnings.ts";

const MAX_SOURCE = 64 * 1024;

/**
 * One JSON object a line, in the form of BuildKit's SolveStatus: `vertexes`, `statuses`, `logs` (data in base64), `warnings`;
 * and `usages`, which BuildKit has not: what a RUN used, and the limits it met (`SandboxUsage`).
 * Times are RFC 3339. Reference: buildkit client/graph.go.
 */
export class RawJsonDisplay implements Display {
  readonly #output: Pick<DisplayOutput, "write">;
  readonly #startedAtMs: number;
  readonly #started = new Map<Digest, string>();

  constructor(output: Pick<DisplayOutput, "write">, startedAtMs: number = Date.now()) {
    this.#output = output;
    this.#startedAtMs = startedAtMs;
  }

  readonly onEvent = (event: BuildEvent): void => {
    this.#output.write(`${JSON.stringify(this.#status(event))}\n`);
  };

  say(): void {}

  close(): void {}

  #status(event: BuildEvent): object {
    switch (event.type) {
      case "vertex":
        return { vertexes: [this.#vertex(event)] };
      case "log":
        return { logs: [this.#log(event)] };
      case "status":
        return { statuses: [this.#progress(event)] };
      case "warning":
        return { warnings: [warningOf(event)] };
      case "usage":
        return { usages: [{ vertex: event.digest, ...event.usage }] };
    }
  }

  #vertex({ digest, name, state, error, timeMs }: VertexEvent): object {
    const time = this.#time(timeMs);
    const started = this.#started.get(digest) ?? time;
    this.#started.set(digest, started);
    return {
      digest,
      name,
      started,
      ...(state === "started" ? {} : { completed: time }),
      ...(state === "cached" ? { cached: true } : {}),
      ...(state === "failed" ? { error: error ?? "failed" } : {}),
      ...(state === "canceled" ? { error: "canceled" } : {}),
    };
  }

  #log({ digest, stream, data, timeMs }: Extract<BuildEvent, { type: "log" }>): object {
    const number = stream === "stdout" ? 1 : 2;
    return {
      vertex: digest,
      stream: number,
      data: Buffer.from(data).toString("base64"),
      timestamp: this.#time(timeMs),
    };
  }

  #progress({ digest, id, current, total, done, timeMs }: Extract<BuildEvent, { type: "status" }>): object {
    const time = this.#time(timeMs);
    return { id, vertex: digest, current, total, timestamp: time, ...(done ? { completed: time } : {}) };
  }

  #time(timeMs: number): string {
    return new Date(this.#startedAtMs + timeMs).toISOString();
  }
}

function warningOf(event: WarningEvent): object {
  const { description, url, source } = event;
  return {
    level: 1,
    short: base64(shortWarning(event)),
    ...(description === undefined ? {} : { detail: [base64(description)] }),
    ...(url === undefined ? {} : { url }),
    ...(source === undefined ? {} : { sourceInfo: sourceInfo(source) }),
    ...rangeOf(event),
  };
}

/** The text comes with each warning, unless it is so long that many warnings would be too much. */
function sourceInfo({ file, text }: SourceFile): object {
  return text.length > MAX_SOURCE ? { filename: file } : { filename: file, data: base64(text) };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function rangeOf({ range }: WarningEvent): object {
  if (range === undefined) return {};
  const position = ({ line, column }: { line: number; column: number }) => ({ line, character: column - 1 });
  return { range: [{ start: position(range.start), end: position(range.end) }] };
}
