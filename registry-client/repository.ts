import { hasBlob } from "./blobs.ts";
import { fromBytes } from "./content.ts";
import { isDigest } from "./digest.ts";
import { downloadBlob } from "./download.ts";
import type { PullEndpoints } from "./endpoints.ts";
import { RegistryError } from "./errors.ts";
import { type FetchedManifest, getManifest, hasManifest, putManifest, resolveManifest } from "./manifests.ts";
import { isManifestOrIndexType } from "./media-type.ts";
import type { Descriptor } from "./oci.ts";
import { isTag, Reference } from "./reference.ts";
import type { Remote } from "./session.ts";
import type { ByteStream, CallOptions, ContentSource, ExistsOptions, PushOptions, Target } from "./storage.ts";
import { uploadBlob } from "./upload.ts";
import { verifyStream } from "./verify.ts";

/** Where a repository is read, and where it is written. */
export interface RepositoryEndpoints {
  readonly pull: PullEndpoints;
  readonly push: Remote;
}

/**
 * One repository of a registry, as a target. Reading goes through the mirrors of registries.conf; writing goes to the
 * registry itself. Made by `RegistryClient.repository`.
 */
export class Repository implements Target {
  readonly reference: Reference;
  /** A registry refuses a manifest whose content it does not have. */
  readonly isClosed = true;
  readonly #endpoints: () => Promise<RepositoryEndpoints>;

  constructor(reference: Reference, endpoints: () => Promise<RepositoryEndpoints>) {
    this.reference = reference;
    this.#endpoints = endpoints;
  }

  get location(): { readonly registry: string; readonly repository: string } {
    return { registry: this.reference.registry, repository: this.reference.repository };
  }

  /** Before a push the registry itself is asked, not a mirror. */
  async exists(target: Descriptor, options: ExistsOptions = {}): Promise<boolean> {
    const { pull, push } = await this.#endpoints();
    const ask = (remote: Remote): Promise<boolean> =>
      (isManifestOrIndexType(target.mediaType) ? hasManifest : hasBlob)(remote, target.digest, options);
    return options.isBeforePush ? ask(push) : pull.firstSuccess(target.digest, options.signal, ask);
  }

  /** Throws when the first byte cannot be had; a stream that breaks off later is resumed. */
  async fetch(target: Descriptor, options: CallOptions = {}): Promise<ByteStream> {
    return verifyStream(await started(this.#read(target, 0, options)), target);
  }

  source(target: Descriptor, options: CallOptions = {}): ContentSource {
    return { open: (offset = 0) => this.#read(target, offset, options) };
  }

  /** Throws MANIFEST_BLOB_UNKNOWN for a manifest whose content is not there. */
  async push(expected: Descriptor, content: ContentSource, options: PushOptions = {}): Promise<void> {
    const { push } = await this.#endpoints();
    if (!isManifestOrIndexType(expected.mediaType)) return uploadBlob(push, expected, content, options);
    if (!options.isAbsent && (await hasManifest(push, expected.digest, { ...options, isBeforePush: true }))) return;
    await putManifest(push, expected.digest, await readManifest(expected, content), options);
  }

  async pushTagged(
    expected: Descriptor,
    content: ContentSource,
    reference: string,
    options: CallOptions = {},
  ): Promise<void> {
    const { push } = await this.#endpoints();
    await putManifest(push, this.#nameOf(reference), await readManifest(expected, content), options);
  }

  /** A tag, a digest, or a reference to this repository. The empty string means what the repository was opened with. */
  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    const name = this.#nameOf(reference);
    const { pull } = await this.#endpoints();
    return pull.firstSuccess(name, options.signal, (remote) => resolveManifest(remote, name, options));
  }

  /** Gives a manifest that is there a name; what had the name loses it. */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    const name = this.#nameOf(reference);
    const { push } = await this.#endpoints();
    await putManifest(push, name, await getManifest(push, target.digest, options), options);
  }

  async #manifestBytes({ digest }: Descriptor, options: CallOptions): Promise<Uint8Array> {
    const { pull } = await this.#endpoints();
    const get = (remote: Remote): Promise<FetchedManifest> => getManifest(remote, digest, options);
    return (await pull.firstSuccess(digest, options.signal, get)).bytes;
  }

  async *#read(target: Descriptor, offset: number, options: CallOptions): AsyncGenerator<Uint8Array> {
    if (!isManifestOrIndexType(target.mediaType)) return yield* this.#readBlob(target, offset, options);
    yield* fromBytes(await this.#manifestBytes(target, options)).open(offset);
  }

  /** What one endpoint began another may end: the content is the same everywhere. */
  async *#readBlob(target: Descriptor, offset: number, options: CallOptions): AsyncGenerator<Uint8Array> {
    let position = offset;
    const open = (remote: Remote): ByteStream => downloadBlob(remote, target, position, options);
    const { pull } = await this.#endpoints();
    let stream = await pull.firstSuccess(target.digest, options.signal, (remote) => started(open(remote)));
    for (const spare of pull.candidates(target.digest).slice(1)) {
      try {
        for await (const chunk of stream) {
          position += chunk.byteLength;
          yield chunk;
        }
        return;
      } catch (error) {
        if (options.signal?.aborted || !(error instanceof RegistryError)) throw error;
        stream = open(spare);
      }
    }
    yield* stream;
  }

  #nameOf(reference: string): string {
    if (isTag(reference) || isDigest(reference)) return reference;
    const parsed = reference === "" ? this.reference : Reference.parse(reference);
    if (parsed.name !== this.reference.name) {
      throw new RegistryError("INVALID_REFERENCE", `${reference} is not in ${this.reference.name}`);
    }
    return parsed.reference || "latest";
  }
}

/** The stream once its first bytes are there, so that a failure to begin is seen by who opened it. */
async function started(stream: ByteStream): Promise<ByteStream> {
  const iterator = stream[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

async function readManifest(descriptor: Descriptor, content: ContentSource): Promise<FetchedManifest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of verifyStream(content.open(), descriptor)) chunks.push(chunk);
  return { descriptor, bytes: Buffer.concat(chunks) };
}
