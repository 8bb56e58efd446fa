import { createHash } from "node:crypto";
import { RegistryError } from "./errors.ts";

/**
 * A content identifier: algorithm and lower-case hex.
 * Reference: OCI image-spec v1.1 descriptor.md, "Digests".
 */
export type Digest = `${DigestAlgorithm}:${string}`;
export type DigestAlgorithm = "sha256" | "sha512";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Whether `text` is a whole digest of an algorithm we can verify. */
export function isDigest(text: string): text is Digest {
  return digestPattern.test(text);
}

/** Throws INVALID_DIGEST unless `text` is a sha256 or sha512 digest in lower-case hex of the right length. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const shown = text.length > 140 ? `${text.slice(0, 140)}…` : text;
  throw new RegistryError("INVALID_DIGEST", `invalid digest ${JSON.stringify(shown)}`, {
    hint: "a digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits",
  });
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes in memory. */
export function digestBytes(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
