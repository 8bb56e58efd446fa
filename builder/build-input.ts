import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ARCHIVE_HEAD_BYTES, isArchive } from "./archive-format.ts";
import { decodeDockerfile, MAX_DOCKERFILE_BYTES } from "./dockerfile-text.ts";
import { BuildError } from "./errors.ts";

/** What `-` names: bytes that come once. The first of them tell an archive from a Dockerfile. */
export class BuildInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #head: Uint8Array[];
  readonly isArchive: boolean;

  private constructor(chunks: AsyncIterator<Uint8Array>, head: Uint8Array[]) {
    this.#chunks = chunks;
    this.#head = head;
    this.isArchive = isArchive(Buffer.concat(head));
  }

  /** Waits for the first bytes. Throws the signal's reason, also while nothing comes. */
  static async open(input: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<BuildInput> {
    const chunks = abortable(input[Symbol.asyncIterator](), signal);
    const head: Uint8Array[] = [];
    for (let bytes = 0; bytes < ARCHIVE_HEAD_BYTES; ) {
      const next = await chunks.next();
      if (next.done === true) break;
      head.push(next.value);
      bytes += next.value.byteLength;
    }
    return new BuildInput(chunks, head);
  }

  /** All of it as a Dockerfile. Throws DOCKERFILE_UNREADABLE for what is too large or not UTF-8. */
  async text(): Promise<string> {
    const name = "the Dockerfile from standard input";
    if (this.isArchive) {
      throw new BuildError("DOCKERFILE_UNREADABLE", `${name} is an archive`, {
        hint: "an archive is a context: tsbuild build - < context.tar",
      });
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.#all()) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DOCKERFILE_BYTES) {
        throw new BuildError("DOCKERFILE_UNREADABLE", `${name} has more bytes than a Dockerfile may have`);
      }
      parts.push(chunk);
    }
    return decodeDockerfile(Buffer.concat(parts), name);
  }

  /** All of it as a new file. Throws CONTEXT_TOO_LARGE past `maxBytes`; then the file holds what came before. */
  async save(path: string, maxBytes: number): Promise<void> {
    await pipeline(
      Readable.from(bounded(this.#all(), maxBytes)),
      createWriteStream(path, { flags: "wx", mode: 0o600 }),
    );
  }

  async *#all(): AsyncGenerator<Uint8Array> {
    yield* this.#head;
    for (let next = await this.#chunks.next(); next.done !== true; next = await this.#chunks.next()) yield next.value;
  }
}

async function* bounded(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new BuildError("CONTEXT_TOO_LARGE", `the context from standard input has more than ${maxBytes} bytes`);
    }
    yield chunk;
  }
}

/** A terminal or a pipe may stay silent for ever: each wait ends when the signal says so. */
function abortable<T>(chunks: AsyncIterator<T>, signal: AbortSignal | undefined): AsyncIterator<T> {
  if (signal === undefined) return chunks;
  return {
    next: async () => {
      signal.throwIfAborted();
      let stop = () => {};
      const aborted = new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason);
      });
      signal.addEventListener("abort", stop, { once: true });
      try {
        return await Promise.race([chunks.next(), aborted]);
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
  };
}
