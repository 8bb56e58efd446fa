import { BuildError } from "../errors.ts";
import type { SourceFile } from "./source.ts";

const MAX_LINE_BYTES = 65_535;
// UTF-8 needs at most three bytes for a UTF-16 unit: shorter lines need not be measured.
const SURELY_SHORT = Math.floor(MAX_LINE_BYTES / 3);

/** A line of the file. */
export interface PhysicalLine {
  /** 1-based. */
  readonly number: number;
  /** Offsets into the file: the text without its line end, and where the next line begins. */
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/**
 * Cuts a file into lines at `\n`; `\r` before it belongs to the line end, elsewhere it is a blank.
 * Throws LINE_TOO_LONG past 65,535 bytes (bufio.MaxScanTokenSize - 1), as BuildKit does.
 */
export class LineScanner {
  readonly #source: SourceFile;
  #offset = 0;
  #number = 0;

  constructor(source: SourceFile) {
    this.#source = source;
  }

  /** The line read last; 0 before the first. */
  get number(): number {
    return this.#number;
  }

  next(): PhysicalLine | undefined {
    const { text } = this.#source;
    const start = this.#offset;
    if (start >= text.length) return undefined;
    const newline = text.indexOf("\n", start);
    const stop = newline < 0 ? text.length : newline;
    this.#offset = newline < 0 ? stop : newline + 1;
    this.#number++;
    this.#checkLength(start, stop);
    return { number: this.#number, start, end: trimReturns(text, start, stop), next: this.#offset };
  }

  #checkLength(start: number, stop: number): void {
    if (stop - start <= SURELY_SHORT) return;
    if (Buffer.byteLength(this.#source.text.slice(start, stop)) <= MAX_LINE_BYTES) return;
    const place = { line: this.#number, column: 1 };
    throw new BuildError("LINE_TOO_LONG", `dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`, {
      hint: "split the line with continuations or move its text into a file",
      range: { file: this.#source.file, start: place, end: place },
      source: this.#source,
    });
  }
}

function trimReturns(text: string, start: number, stop: number): number {
  let end = stop;
  while (end > start && text.charCodeAt(end - 1) === 0x0d) end--;
  return end;
}
