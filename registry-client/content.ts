import { open } from "node:fs/promises";
import type { Descriptor } from "./oci.ts";
import type { ByteStream, CallOptions, ContentSource, ReadonlyStorage } from "./storage.ts";

/** The first read of a file: most are manifests and configurations, and end there. */
const firstReadBytes = 64 << 10;
/** How much is read at once after that: big enough that a gigabyte is a thousand reads. */
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
    open: (offset = 0) => readFrom(path, offset),
  };
}

async function* readFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (let position = offset, size = firstReadBytes; ; size = readSizeBytes) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, position);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
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
