import { createHash } from "node:crypto";
import { type Digest, digestAlgorithm, digestBytes } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import type { ByteStream } from "./storage.ts";

/** What content must turn out to be; every descriptor is one. */
export interface Expected {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Passes content on and checks it on the way. Throws SIZE_MISMATCH as soon as there is a byte too many, and SIZE_MISMATCH
 * or DIGEST_MISMATCH instead of ending: a consumer that saw the end has the right bytes.
 */
export async function* verifyStream(
  content: ByteStream,
  expected: Expected,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash(digestAlgorithm(expected.digest));
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > expected.size) throw sizeMismatch(expected, `more than ${expected.size}`);
    hash.update(chunk);
    yield chunk;
  }
  if (size !== expected.size) throw sizeMismatch(expected, String(size));
  const actual: Digest = `${digestAlgorithm(expected.digest)}:${hash.digest("hex")}`;
  if (actual !== expected.digest) throw digestMismatch(expected, actual);
}

/** `verifyStream` for bytes that are in memory already. */
export function verifyBytes(bytes: Uint8Array, expected: Expected): void {
  if (bytes.byteLength !== expected.size) throw sizeMismatch(expected, String(bytes.byteLength));
  const actual = digestBytes(bytes, digestAlgorithm(expected.digest));
  if (actual !== expected.digest) throw digestMismatch(expected, actual);
}

export function sizeMismatch(expected: Expected, actual: string): RegistryError {
  return new RegistryError(
    "SIZE_MISMATCH",
    `${expected.digest} has ${actual} bytes where ${expected.size} were promised`,
  );
}

function digestMismatch(expected: Expected, actual: Digest): RegistryError {
  return new RegistryError("DIGEST_MISMATCH", `content of ${expected.digest} has the digest ${actual}`, {
    hint: "the content was changed on its way or where it is stored",
  });
}
