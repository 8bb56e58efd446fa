import type { Descriptor } from "./oci.ts";

export type ByteStream = AsyncIterable<Uint8Array>;

/** The last argument of every asynchronous call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Content that can be opened again: a failed upload is sent anew, or from `offset` on.
 * `open` yields the bytes from `offset` (default 0) to the end.
 */
export interface ContentSource {
  open(offset?: number): ByteStream;
}

/** Content-addressed storage: what is in it never changes. */
export interface ReadonlyStorage {
  exists(target: Descriptor, options?: CallOptions): Promise<boolean>;
  /** Verified while it streams: the stream throws before its end when digest or size disagree. */
  fetch(target: Descriptor, options?: CallOptions): Promise<ByteStream>;
}

export interface Storage extends ReadonlyStorage {
  /** Idempotent: content that is there already is not sent again. Throws when the content is not what `expected` says. */
  push(expected: Descriptor, content: ContentSource, options?: CallOptions): Promise<void>;
}

export interface ReadonlyTarget extends ReadonlyStorage {
  /** A tag or digest → its descriptor. Throws NOT_FOUND. */
  resolve(reference: string, options?: CallOptions): Promise<Descriptor>;
}

/** Where images live: a registry repository, an OCI layout, memory. `copy` works between any two. */
export interface Target extends ReadonlyTarget, Storage {
  tag(target: Descriptor, reference: string, options?: CallOptions): Promise<void>;
}
