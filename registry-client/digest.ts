/**
 * A content identifier: algorithm and lower-case hex.
 * Reference: OCI image-spec v1.1 descriptor.md, "Digests".
 */
export type Digest = `${DigestAlgorithm}:${string}`;
export type DigestAlgorithm = "sha256" | "sha512";
