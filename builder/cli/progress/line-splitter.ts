import { StringDecoder } from "node:string_decoder";

/** A line longer than this is handed on in pieces, so that what is held back stays small. */
const MAX_LINE = 64 * 1024;

/** Cuts bytes into lines as they come; characters may be cut anywhere. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** The lines that `data` completes, without their newlines. */
  push(data: Uint8Array): readonly string[] {
    return this.#split(this.#decoder.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
  }

  /** The last line, if it has no newline. */
  end(): readonly string[] {
    const lines = this.#split(this.#decoder.end());
    const rest = this.#rest;
    this.#rest = "";
    return rest === "" ? lines : [...lines, rest];
  }

  #split(text: string): readonly string[] {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length < MAX_LINE) return lines;
    lines.push(this.#rest);
    this.#rest = "";
    return lines;
  }
}
