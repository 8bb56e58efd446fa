import { SshReader, uint32 } from "./wire.ts";

/** What OpenSSH's agent takes at most. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** The messages of a stream, each without its length. Throws Error for one that is too long; a last one that is cut is dropped. */
export async function* readMessages(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk]);
    for (let length = lengthOf(pending); length !== undefined; length = lengthOf(pending)) {
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}

export function withLength(message: Buffer): Buffer {
  return Buffer.concat([uint32(message.length), message]);
}

/** undefined while the message is not whole. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const length = new SshReader(bytes).uint32();
  if (length > MAX_MESSAGE_BYTES) throw new Error("a message of the SSH agent protocol is too long");
  return bytes.length >= 4 + length ? length : undefined;
}
