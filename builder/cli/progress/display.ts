import type { OnEvent } from "../../events.ts";
import type { ProgressMode } from "./mode.ts";

/** Shows a build while it runs. */
export interface Display {
  readonly onEvent: OnEvent;
  /** A line that is no part of the build: `SIGINT: stopping`. */
  say(line: string): void;
  /** Shows what is held back. Nothing comes after it. */
  close(): void;
}

/** Where a display writes: standard error, or what a test takes for it. */
export interface DisplayOutput {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly color: boolean;
  /** Size of the terminal; asked for at every draw. */
  size(): { readonly columns: number; readonly rows: number };
}

/** The display of a mode; `auto` is tty on a terminal, else plain. Only the one that is used is loaded. */
export async function openDisplay(mode: ProgressMode, output: DisplayOutput): Promise<Display> {
  switch (mode) {
    case "auto":
      return await openDisplay(output.isTTY ? "tty" : "plain", output);
    case "plain":
      return new (await import("./plain.ts")).PlainDisplay(output);
    case "tty":
      return new (await import("./tty.ts")).TtyDisplay(output);
    case "rawjson":
      return new (await import("./rawjson.ts")).RawJsonDisplay(output);
    case "quiet":
    case "none":
      return new (await import("./quiet.ts")).QuietDisplay(output);
  }
}
