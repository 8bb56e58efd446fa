import type { BuildEvent, OnEvent } from "../events.ts";
import { type Display, type DisplayOutput, openDisplay } from "./progress/display.ts";

/** Shows how an image is brought into the store, and nothing when it is there. */
export class PullDisplay {
  readonly #output: DisplayOutput;
  #held: BuildEvent[] | undefined = [];
  #display: Display | undefined;
  #opening: Promise<void> | undefined;

  constructor(output: DisplayOutput) {
    this.#output = output;
  }

  readonly onEvent: OnEvent = (event) => {
    if (this.#held === undefined) return this.#display?.onEvent(event);
    this.#held.push(event);
    const isAtWork = event.type === "status" && !event.done;
    if (isAtWork || event.type === "warning") this.#opening ??= this.#open();
  };

  async close(): Promise<void> {
    await this.#opening;
    this.#held = undefined;
    this.#display?.close();
    this.#display = undefined;
  }

  async #open(): Promise<void> {
    const display = await openDisplay("auto", this.#output);
    for (const event of this.#held ?? []) display.onEvent(event);
    this.#held = undefined;
    this.#display = display;
  }
}
