import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";

/** What is kept in memory of one step's log; the rest goes to a file. */
const MAX_MEMORY = 1024 * 1024;
const CHUNK = 64 * 1024;

/** The whole log of a step, kept until it is known whether the step fails. Never clipped: a long one goes to a file without a name. */
export class VertexLog {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #file: number | undefined;

  append(data: Uint8Array): void {
    if (data.byteLength === 0) return;
    this.#size += data.byteLength;
    if (this.#file === undefined && this.#size > MAX_MEMORY) this.#spill();
    if (this.#file === undefined) this.#chunks.push(data.slice());
    else writeAll(this.#file, data);
  }

  /** The log as text, in pieces. */
  *read(): Iterable<string> {
    const decoder = new StringDecoder("utf8");
    for (const chunk of this.#bytes()) yield decoder.write(chunk);
    yield decoder.end();
  }

  /** Forgets it. */
  close(): void {
    this.#chunks = [];
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  *#bytes(): Iterable<Buffer> {
    if (this.#file === undefined) {
      yield* this.#chunks.map((chunk) => Buffer.from(chunk));
      return;
    }
    const buffer = Buffer.alloc(CHUNK);
    let position = 0;
    for (let read = readSync(this.#file, buffer, 0, CHUNK, 0); read > 0; ) {
      yield buffer.subarray(0, read);
      position += read;
      read = readSync(this.#file, buffer, 0, CHUNK, position);
    }
  }

  #spill(): void {
    const directory = mkdtempSync(join(tmpdir(), "tsbuild-log-"));
    this.#file = openSync(join(directory, "log"), "wx+", 0o600);
    rmSync(directory, { recursive: true });
    for (const chunk of this.#chunks) writeAll(this.#file, chunk);
    this.#chunks = [];
  }
}

function writeAll(file: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) done += writeSync(file, data, done);
}
