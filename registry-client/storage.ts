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

export interface ExistsOptions extends CallOptions {
  /** A push will follow: a registry is asked for the right to push at once, not for one to pull first. */
  readonly isBeforePush?: boolean;
}

export interface PushOptions extends CallOptions {
  /** `exists` has just said no: it is not asked again. */
  readonly isAbsent?: boolean;
  /** Repositories of the same registry that may have the content; a registry mounts it from there without a transfer. */
  readonly mountFrom?: readonly string[];
  /** Told when the content was mounted: none was sent. */
  readonly onMounted?: (from: string) => void;
}

/** Content-addressed storage: what is in it never changes. */
export interface ReadonlyStorage {
  exists(target: Descriptor, options?: ExistsOptions): Promise<boolean>;
  /** Verified while it streams: the stream throws before its end when digest or size disagree. */
  fetch(target: Descriptor, options?: CallOptions): Promise<ByteStream>;
  /** The same content, re-openable at any offset and not verified: for a consumer that verifies, as every `push` does. */
  source?(target: Descriptor, options?: CallOptions): ContentSource;
  /** Where it is, when it is a repository of a registry: within one registry content is mounted, not sent. */
  readonly location?: { readonly registry: string; readonly repository: string } | undefined;
}

export interface Storage extends ReadonlyStorage {
  /** Idempotent: content that is there already is not sent again. Throws when the content is not what `expected` says. */
  push(expected: Descriptor, content: ContentSource, options?: PushOptions): Promise<void>;
  /** Whether a manifest that is there proves that all it refers to is there too, as a registry guarantees. */
  readonly isClosed?: boolean;
}

export interface ReadonlyTarget extends ReadonlyStorage {
  /** A tag or digest → its descriptor. Throws NOT_FOUND. */
  resolve(reference: string, options?: CallOptions): Promise<Descriptor>;
}

/** Where images live: a registry repository, an OCI layout, memory. `copy` works between any two. */
export interface Target extends ReadonlyTarget, Storage {
  tag(target: Descriptor, reference: string, options?: CallOptions): Promise<void>;
  /** `push` and `tag` of a manifest in one request, where that is possible. */
  pushTagged?(expected: Descriptor, content: ContentSource, reference: string, options?: CallOptions): Promise<void>;
}
