import type { Digest } from "../../../registry-client/index.ts";
import type { BuildEvent } from "../../events.ts";
import { printable } from "../printable.ts";
import { logText } from "./log-text.ts";
import { VertexLog } from "./vertex-log.ts";

/** For displays that do not show logs as they come: keeps each step's log, and writes out that of a step that fails. */
export class FailedLogs {
  readonly #logs = new Map<Digest, VertexLog>();
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  onEvent(event: BuildEvent): void {
    if (event.type === "log") this.#logOf(event.digest).append(event.data);
    if (event.type !== "vertex" || event.state === "started") return;
    const log = this.#logs.get(event.digest);
    if (event.state === "failed" && log !== undefined) this.#show(event.name, log);
    this.#logs.delete(event.digest);
    log?.close();
  }

  close(): void {
    for (const log of this.#logs.values()) log.close();
    this.#logs.clear();
  }

  #logOf(digest: Digest): VertexLog {
    const log = this.#logs.get(digest) ?? new VertexLog();
    this.#logs.set(digest, log);
    return log;
  }

  #show(name: string, log: VertexLog): void {
    this.#write(`------\n > ${printable(name)}:\n`);
    let last = "\n";
    for (const text of log.read()) {
      if (text === "") continue;
      this.#write(logText(text));
      last = text;
    }
    this.#write(last.endsWith("\n") ? "------\n" : "\n------\n");
  }
}
