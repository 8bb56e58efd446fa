import { fromStorage } from "./content.ts";
import type { Digest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import { Semaphore } from "./http/concurrency.ts";
import { ManifestCache } from "./manifest-cache.ts";
import { isManifestOrIndexType, isNondistributableType } from "./media-type.ts";
import type { Descriptor, Platform } from "./oci.ts";
import { selectPlatform } from "./platform.ts";
import type {
  ByteStream,
  CallOptions,
  ContentSource,
  ReadonlyStorage,
  ReadonlyTarget,
  Storage,
  Target,
} from "./storage.ts";
import { successors } from "./successors.ts";

/** What happens to one blob or manifest of a copy. */
export interface CopyProgress {
  readonly descriptor: Descriptor;
  /** Bytes handed to the destination so far; goes back when a transfer starts anew. */
  readonly bytes: number;
  /** `skipped` is a layer that may not be redistributed. */
  readonly state: "started" | "progress" | "exists" | "mounted" | "skipped" | "done";
}

export interface CopyGraphOptions extends CallOptions {
  /** Blobs and manifests under way at once. Default 6. */
  readonly concurrency?: number;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Repositories of the destination's registry that may have the content already; tried in turn. */
  readonly mountFrom?: readonly string[];
  /** Copy layers that may not be redistributed, too. Default false. */
  readonly allowNondistributable?: boolean;
}

export interface CopyOptions extends CopyGraphOptions {
  /** Copy only the manifest for this platform; the destination's reference then names that manifest. */
  readonly platform?: Platform;
}

/** Indexes within indexes that are followed before we call it hostile. */
const maxDepth = 16;

/**
 * Push, pull and mirror: resolves `sourceReference`, copies what it names with all it refers to, and names it
 * `destinationReference` at the destination. With an empty `destinationReference` nothing is named.
 * The name appears last: a copy that fails leaves the old one as it was.
 */
export async function copy(
  source: ReadonlyTarget,
  sourceReference: string,
  destination: Target,
  destinationReference: string,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const found = await source.resolve(sourceReference, options);
  const root = options.platform ? await selectPlatform(source, found, options.platform, options) : found;
  const job = new CopyJob(source, destination, options);
  if (!destination.pushTagged || destinationReference === "" || !isManifestOrIndexType(root.mediaType)) {
    await job.run((signal) => job.copyNode(root, signal, 0));
    if (destinationReference !== "") await destination.tag(root, destinationReference, options);
    return root;
  }
  await job.run((signal) => job.copyRoot(root, signal, destinationReference));
  return root;
}

/** Copies `root` with all it refers to, children before parents. What the destination has is not sent again. */
export async function copyGraph(
  source: ReadonlyStorage,
  destination: Storage,
  root: Descriptor,
  options: CopyGraphOptions = {},
): Promise<void> {
  const job = new CopyJob(source, destination, options);
  await job.run((signal) => job.copyNode(root, signal, 0));
}

/** One walk over a graph. Every node is visited once, however many parents it has. */
class CopyJob {
  readonly #source: ReadonlyStorage;
  readonly #destination: Storage;
  readonly #options: CopyGraphOptions;
  readonly #places: Semaphore;
  readonly #visited = new Map<Digest, Promise<void>>();

  constructor(source: ReadonlyStorage, destination: Storage, options: CopyGraphOptions) {
    this.#source = new ManifestCache(source);
    this.#destination = destination;
    this.#options = options;
    this.#places = new Semaphore(options.concurrency ?? 6);
  }

  /** The first failure stops the rest, and nothing is under way any more when the promise settles. */
  async run(walk: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, ...(this.#options.signal ? [this.#options.signal] : [])]);
    try {
      await walk(signal);
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(this.#visited.values());
      throw error;
    }
  }

  async copyRoot(root: Descriptor, signal: AbortSignal, reference: string): Promise<void> {
    const destination = this.#destination as Target;
    const isThere = await destination.exists(root, { signal, isBeforePush: true });
    if (!isThere || !destination.isClosed) await this.#copyChildren(root, signal, 0);
    this.#report(root, 0, isThere ? "exists" : "started");
    const push = (): Promise<void> =>
      destination.pushTagged?.(root, this.#counted(root, signal), reference, { signal }) ?? Promise.resolve();
    await this.#healing(root, signal, push);
    if (!isThere) this.#report(root, root.size, "done");
  }

  copyNode(node: Descriptor, signal: AbortSignal, depth: number): Promise<void> {
    const visited = this.#visited.get(node.digest);
    if (visited) return visited;
    const visit = this.#visit(node, signal, depth);
    this.#visited.set(node.digest, visit);
    // Whoever waits for it sees the failure; nobody waiting yet is no reason to end the process.
    visit.catch(() => {});
    return visit;
  }

  async #visit(node: Descriptor, signal: AbortSignal, depth: number): Promise<void> {
    if (isNondistributableType(node.mediaType) && !this.#options.allowNondistributable) {
      return this.#report(node, 0, "skipped");
    }
    const isThere = await this.#places.run(signal, () =>
      this.#destination.exists(node, { signal, isBeforePush: true }),
    );
    if (isThere) this.#report(node, node.size, "exists");
    if (isThere && this.#destination.isClosed) return;
    await this.#copyChildren(node, signal, depth);
    if (!isThere) await this.#healing(node, signal, () => this.#transfer(node, signal));
  }

  async #copyChildren(node: Descriptor, signal: AbortSignal, depth: number): Promise<void> {
    if (!isManifestOrIndexType(node.mediaType)) return;
    if (depth >= maxDepth) throw new RegistryError("INVALID_CONTENT", `${node.digest} lies ${maxDepth} indexes deep`);
    const children = await this.#places.run(signal, () => successors(this.#source, node, { signal }));
    await Promise.all(children.map((child) => this.copyNode(child, signal, depth + 1)));
  }

  async #transfer(node: Descriptor, signal: AbortSignal): Promise<void> {
    await this.#places.run(signal, async () => {
      this.#report(node, 0, "started");
      const onMounted = (): void => this.#report(node, node.size, "mounted");
      const mountFrom = this.#mountCandidates();
      const content = this.#counted(node, signal);
      await this.#destination.push(node, content, { signal, isAbsent: true, mountFrom, onMounted });
      this.#report(node, node.size, "done");
    });
  }

  /** A registry that denies having a child which it said exists gets the children once more. */
  async #healing(node: Descriptor, signal: AbortSignal, push: () => Promise<void>): Promise<void> {
    try {
      await push();
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== "MANIFEST_BLOB_UNKNOWN") throw error;
      const children = await successors(this.#source, node, { signal });
      for (const child of children) await this.#transfer(child, signal);
      await push();
    }
  }

  #mountCandidates(): readonly string[] {
    const own = sameRegistryRepository(this.#source, this.#destination);
    return [...(this.#options.mountFrom ?? []), ...(own === undefined ? [] : [own])];
  }

  #counted(node: Descriptor, signal: AbortSignal): ContentSource {
    const content = fromStorage(this.#source, node, { signal });
    if (!this.#options.onProgress) return content;
    const report = (bytes: number): void => this.#report(node, bytes, "progress");
    return { open: (offset = 0) => counted(content.open(offset), offset, report) };
  }

  #report(descriptor: Descriptor, bytes: number, state: CopyProgress["state"]): void {
    this.#options.onProgress?.({ descriptor, bytes, state });
  }
}

async function* counted(
  stream: ByteStream,
  offset: number,
  report: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = offset;
  for await (const chunk of stream) {
    yield chunk;
    bytes += chunk.byteLength;
    report(bytes);
  }
}

/** The source's repository, when both ends are repositories of one registry. */
function sameRegistryRepository(source: ReadonlyStorage, destination: ReadonlyStorage): string | undefined {
  const from = source.location;
  const to = destination.location;
  return from && to && from.registry === to.registry && from.repository !== to.repository ? from.repository : undefined;
}
