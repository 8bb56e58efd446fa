import { createReadStream } from "node:fs";
import type { Descriptor } from "./oci.ts";
import type { ByteStream, CallOptions, ContentSource, ReadonlyStorage } from "./storage.ts";

/** How much is read from a file at once: big enough that a gigabyte is a thousand reads. */
const readSizeBytes = 1 << 20;

/** Content that lies in memory. */
export function fromBytes(bytes: Uint8Array): ContentSource {
  return {
    async *open(offset = 0): ByteStream {
      if (offset < bytes.byteLength) yield bytes.subarray(offset);
    },
  };
}

/** Content that lies in a file. Nothing is opened before the first byte is asked for. */
export function fromFile(path: string): ContentSource {
  return {
    async *open(offset = 0): ByteStream {
      yield* createReadStream(path, { start: offset, highWaterMark: readSizeBytes });
    },
  };
}

/** Content that lies in a storage; unverified where the storage offers that, since whoever stores it verifies it. */
export function fromStorage(storage: ReadonlyStorage, target: Descriptor, options: CallOptions = {}): ContentSource {
  return storage.source?.(target, options) ?? fromFetch(storage, target, options);
}

function fromFetch(storage: ReadonlyStorage, target: Descriptor, options: CallOptions): ContentSource {
  return {
    async *open(offset = 0): ByteStream {
      yield* skipBytes(await storage.fetch(target, options), offset);
    },
  };
}

/** The stream without its first `count` bytes. */
export async function* skipBytes(stream: ByteStream, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = count;
  for await (const chunk of stream) {
    if (left < chunk.byteLength) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}
