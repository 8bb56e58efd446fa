/** How a layer's tar is stored. `level` is the compressor's own scale; default gzip 6, zstd 3. */
export interface Compression {
  readonly type: "none" | "gzip" | "zstd";
  readonly level?: number;
}

export interface PackRequest {
  /** The overlay upper whose changes become the layer. */
  readonly upper: string;
  /** The layers below, lowest first: entries equal to the lower's are not changes. */
  readonly lowers: readonly string[];
  /** Where the blob is written; the caller renames it to its final name. Created, never overwritten. */
  readonly output: string;
  readonly compression: Compression;
  /** Seconds since 1970. mtimes above it are clamped to it. */
  readonly sourceDateEpoch: number;
}

export interface PackResult {
  /** sha256 of the uncompressed tar, `sha256:…`. */
  readonly diffId: string;
  /** sha256 of the blob. */
  readonly digest: string;
  /** Bytes of the blob. */
  readonly sizeBytes: number;
  readonly tarSizeBytes: number;
  /** 0: nothing changed, the layer is empty. */
  readonly entries: number;
}

export interface ApplyRequest {
  /** The blob, a file. */
  readonly blob: string;
  /** An empty directory that becomes the layer, in overlayfs's form. */
  readonly target: string;
  /** Expected digest and size of the blob, and of the uncompressed tar where known. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly diffId?: string;
}

export interface ApplyResult {
  readonly diffId: string;
  readonly tarSizeBytes: number;
  readonly entries: number;
}
