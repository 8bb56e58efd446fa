import { open } from "node:fs/promises";

/** As many bytes as `isArchive` looks at. */
export const ARCHIVE_HEAD_BYTES = 1024;

const BLOCK_BYTES = 512;
const CHECKSUM = { start: 148, end: 156 };

/** The first bytes of compressed files: bzip2, gzip, xz, zstd. */
const COMPRESSED: readonly (readonly number[])[] = [
  [0x42, 0x5a, 0x68],
  [0x1f, 0x8b, 0x08],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

/** Whether something that begins with these bytes is a tar archive, compressed or not; anything else is a Dockerfile. */
export function isArchive(head: Uint8Array): boolean {
  return COMPRESSED.some((magic) => magic.every((byte, index) => head[index] === byte)) || isTarHeader(head);
}

/** The same for a file. */
export async function isArchiveFile(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(ARCHIVE_HEAD_BYTES), 0, ARCHIVE_HEAD_BYTES, 0);
    return isArchive(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** ustar(5): the checksum is the sum of the header's bytes, its own field taken for blanks. The end of an archive is zeros. */
function isTarHeader(head: Uint8Array): boolean {
  if (head.length < BLOCK_BYTES) return false;
  const block = head.subarray(0, BLOCK_BYTES);
  if (block.every((byte) => byte === 0)) return true;
  const field = Buffer.from(block.subarray(CHECKSUM.start, CHECKSUM.end)).toString("latin1");
  const stated = /^[ \0]*([0-7]+)[ \0]*$/.exec(field)?.[1];
  return stated !== undefined && Number.parseInt(stated, 8) === headerSum(block);
}

function headerSum(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => {
    const isChecksum = index >= CHECKSUM.start && index < CHECKSUM.end;
    return sum + (isChecksum ? 0x20 : byte);
  }, 0);
}
