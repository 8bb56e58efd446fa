import type { BuildEvent } from "../../events.ts";
import type { Display, DisplayOutput } from "./display.ts";
import { FailedLogs } from "./failed-log.ts";

/** Nothing, unless a step fails: then its log. */
export class QuietDisplay implements Display {
  readonly #failed: FailedLogs;

  constructor(output: DisplayOutput) {
    this.#failed = new FailedLogs((text) => output.write(text));
  }

  readonly onEvent = (event: BuildEvent): void => this.#failed.onEvent(event);

  close(): void {
    this.#failed.close();
  }
}
