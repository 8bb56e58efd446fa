import type { BuildEvent } from "../../events.ts";
import type { Display, DisplayOutput } from "./display.ts";
import { FailedLogs } from "./failed-log.ts";

/** Nothing, unless a step fails: then its log. */
export class QuietDisplay implements Display {
  readonly #output: DisplayOutput;
  readonly #failed: FailedLogs;

  constructor(output: DisplayOutput) {
    this.#output = output;
    this.#failed = new FailedLogs((text) => output.write(text));
  }

  readonly onEvent = (event: BuildEvent): void => this.#failed.onEvent(event);

  say(line: string): void {
    this.#output.write(`${line}\n`);
  }

  close(): void {
    this.#failed.close();
  }
}
