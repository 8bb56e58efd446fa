import { fromBytes, fromStorage } from "./content.ts";
import type { Digest } from "./digest.ts";
import { fetchBytes } from "./documents.ts";
import { isManifestOrIndexType } from "./media-type.ts";
import type { Descriptor } from "./oci.ts";
import type { ByteStream, CallOptions, ContentSource, ReadonlyStorage } from "./storage.ts";

/** How much is kept; past it the oldest go and are fetched again when they are wanted. */
const capacityBytes = 64 << 20;

/** A storage whose manifests are fetched once: a copy reads each for its children, and again to send it. */
export class ManifestCache implements ReadonlyStorage {
  readonly #storage: ReadonlyStorage;
  readonly #kept = new Map<Digest, Uint8Array>();
  #keptBytes = 0;

  constructor(storage: ReadonlyStorage) {
    this.#storage = storage;
  }

  get location(): ReadonlyStorage["location"] {
    return this.#storage.location;
  }

  exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    return this.#storage.exists(target, options);
  }

  async fetch(target: Descriptor, options: CallOptions = {}): Promise<ByteStream> {
    if (!isManifestOrIndexType(target.mediaType)) return this.#storage.fetch(target, options);
    return fromBytes(await this.#bytes(target, options)).open();
  }

  source(target: Descriptor, options: CallOptions = {}): ContentSource {
    if (!isManifestOrIndexType(target.mediaType)) return fromStorage(this.#storage, target, options);
    const bytes = (): Promise<Uint8Array> => this.#bytes(target, options);
    return {
      async *open(offset = 0): ByteStream {
        yield* fromBytes(await bytes()).open(offset);
      },
    };
  }

  async #bytes(target: Descriptor, options: CallOptions): Promise<Uint8Array> {
    const kept = this.#kept.get(target.digest);
    if (kept) return kept;
    const bytes = await fetchBytes(this.#storage, target, undefined, options);
    this.#keep(target.digest, bytes);
    return bytes;
  }

  #keep(digest: Digest, bytes: Uint8Array): void {
    this.#kept.set(digest, bytes);
    this.#keptBytes += bytes.byteLength;
    for (const [oldest, { byteLength }] of this.#kept) {
      if (this.#keptBytes <= capacityBytes || oldest === digest) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= byteLength;
    }
  }
}
