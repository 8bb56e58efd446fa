import { fromBytes } from "./content.ts";
import type { Digest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import type { Descriptor } from "./oci.ts";
import type { ByteStream, ContentSource, Target } from "./storage.ts";
import { verifyStream } from "./verify.ts";

/** A target in memory, for small content and for tests. */
export class MemoryTarget implements Target {
  readonly #content = new Map<Digest, { readonly descriptor: Descriptor; readonly bytes: Uint8Array }>();
  readonly #tags = new Map<string, Descriptor>();

  async exists(target: Descriptor): Promise<boolean> {
    return this.#content.has(target.digest);
  }

  /** Throws NOT_FOUND. */
  async fetch(target: Descriptor): Promise<ByteStream> {
    return verifyStream(fromBytes(this.#entry(target.digest).bytes).open(), target);
  }

  async push(expected: Descriptor, content: ContentSource): Promise<void> {
    if (this.#content.has(expected.digest)) return;
    const chunks: Uint8Array[] = [];
    for await (const chunk of verifyStream(content.open(), expected)) chunks.push(chunk);
    this.#content.set(expected.digest, { descriptor: expected, bytes: Buffer.concat(chunks) });
  }

  async resolve(reference: string): Promise<Descriptor> {
    return this.#tags.get(reference) ?? this.#entry(reference as Digest).descriptor;
  }

  async tag(target: Descriptor, reference: string): Promise<void> {
    this.#entry(target.digest);
    this.#tags.set(reference, target);
  }

  #entry(digest: Digest): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } {
    const entry = this.#content.get(digest);
    if (!entry) throw new RegistryError("NOT_FOUND", `${digest} is not in memory`);
    return entry;
  }
}
