import { statSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join, resolve as resolvePath } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { fromBytes, fromFile } from "./content.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest, parseDigest } from "./digest.ts";
import { maxManifestBytes, sniffMediaType } from "./documents.ts";
import { RegistryError } from "./errors.ts";
import {
  emptyIndex,
  findTagged,
  listTags,
  readIndexFile,
  readSmallFile,
  withoutTag,
  withTag,
} from "./layout/index-file.ts";
import { type Durability, IngestFolder } from "./layout/ingest.ts";
import { withLock } from "./layout/lock.ts";
import type { Descriptor, Index } from "./oci.ts";
import type { ByteStream, CallOptions, ContentSource, Target } from "./storage.ts";
import { verifyStream } from "./verify.ts";

const layoutVersion = `${JSON.stringify({ imageLayoutVersion: "1.0.0" })}\n`;

export interface OpenLayoutOptions {
  /** Make the layout where there is none. Without it a layout is opened to be read, and nothing in it is touched. */
  readonly create?: boolean;
  /** Default "fsync": a blob that has its name survives a power cut. */
  readonly durability?: Durability;
  /** Told of every blob before it is looked for, read or written: who removes blobs can then know what is in use. */
  readonly onUse?: (digest: Digest, path: string) => void;
}

/**
 * An OCI image layout on disk, ours or another tool's.
 *
 * Any number of processes may use one at once. Files appear by temporary file and rename(2): a killed process leaves
 * only files in `ingest/`, and the next one that opens the layout removes them.
 * Reference: OCI image-spec v1.1 image-layout.md.
 */
export class OciLayout implements Target {
  readonly root: string;
  readonly #ingest: IngestFolder;
  readonly #onUse: NonNullable<OpenLayoutOptions["onUse"]>;

  private constructor(root: string, { durability = "fsync", onUse = () => {} }: OpenLayoutOptions) {
    this.root = root;
    this.#ingest = new IngestFolder(join(root, "ingest"), durability);
    this.#onUse = onUse;
  }

  /** Throws NOT_FOUND when there is no layout and `create` is not set, INVALID_LAYOUT when it is not one. */
  static async open(root: string, options: OpenLayoutOptions = {}): Promise<OciLayout> {
    const layout = new OciLayout(resolvePath(root), options);
    if (options.create) await layout.#create();
    await checkVersion(layout.root);
    return layout;
  }

  /** Where a blob lies, or would. */
  blobPath(digest: Digest): string {
    const checked = parseDigest(digest);
    return join(this.root, "blobs", digestAlgorithm(checked), digestHex(checked));
  }

  /** A new path in `ingest/` for a file to `adopt`. Nothing is created; a dead process's files are swept. */
  ingestPath(): string {
    return this.#ingest.newPath();
  }

  /**
   * Takes over a complete file, written at an `ingestPath()`, as the blob `expected` names; its size is checked, its digest
   * is the writer's word. Idempotent: where the blob is there already, the file is removed.
   */
  async adopt(expected: Descriptor, temporaryPath: string): Promise<void> {
    const { size } = await stat(temporaryPath);
    if (size !== expected.size) {
      throw new RegistryError(
        "SIZE_MISMATCH",
        `${expected.digest} has ${size} bytes where ${expected.size} were promised`,
      );
    }
    if (await this.exists(expected)) return rm(temporaryPath, { force: true });
    await this.#ingest.sync(temporaryPath);
    await this.#ingest.publish(temporaryPath, this.blobPath(expected.digest));
  }

  /** In place: a trip to the thread pool takes ten times as long as the call, and an image has many blobs. */
  async exists(target: Descriptor): Promise<boolean> {
    const info = statSync(this.#usedPath(target.digest), { throwIfNoEntry: false });
    return info?.isFile() === true && info.size === target.size;
  }

  /** Throws NOT_FOUND. */
  async fetch(target: Descriptor): Promise<ByteStream> {
    if (!(await stat(this.#usedPath(target.digest)).catch(ignoreMissing))) throw this.#notFound(target.digest);
    return verifyStream(this.source(target).open(), target);
  }

  source(target: Descriptor): ContentSource {
    return fromFile(this.blobPath(target.digest));
  }

  async push(expected: Descriptor, content: ContentSource): Promise<void> {
    if (await this.exists(expected)) return;
    await this.#ingest.write(verifyStream(content.open(), expected), this.blobPath(expected.digest));
  }

  /**
   * A tag as `index.json` has it (the ref.name annotation), the full name of an image, or a digest. The empty string means
   * the only image there is. Throws NOT_FOUND, listing what there is.
   */
  async resolve(reference: string): Promise<Descriptor> {
    const index = await this.index();
    const found = reference === "" ? onlyEntry(index) : findTagged(index, reference);
    if (found) return found;
    const digest = reference.slice(reference.indexOf("@") + 1);
    if (isDigest(digest)) return this.#resolveDigest(index, digest);
    throw this.#notFound(reference || "a single image", index);
  }

  /** Names content that is in the layout; what had the name loses it. */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    if (!(await this.exists(target))) throw this.#notFound(target.digest);
    await this.#update((index) => withTag(index, target, reference), options);
  }

  /** Takes a name away. The content stays. Idempotent. */
  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    await this.#update((index) => withoutTag(index, reference), options);
  }

  /** All names, in the order of `index.json`. */
  async list(): Promise<readonly { readonly reference: string; readonly descriptor: Descriptor }[]> {
    return listTags(await this.index());
  }

  /** `index.json` as it is now. */
  async index(): Promise<Index> {
    return readIndexFile(this.#indexPath);
  }

  #usedPath(digest: Digest): string {
    const path = this.blobPath(digest);
    this.#onUse(digest, path);
    return path;
  }

  get #indexPath(): string {
    return join(this.root, "index.json");
  }

  async #create(): Promise<void> {
    await mkdir(join(this.root, "blobs", "sha256"), { recursive: true });
    await mkdir(this.#ingest.path, { recursive: true });
    await this.#ingest.sweep();
    await this.#createFile("oci-layout", layoutVersion);
    if (await isPresent(this.#indexPath)) return;
    await this.#update((index) => index, {});
  }

  async #createFile(name: string, text: string): Promise<void> {
    const path = join(this.root, name);
    if (!(await isPresent(path))) await this.#ingest.write(fromBytes(Buffer.from(text)).open(), path);
  }

  /** The one file that is always forced to the disk: what it names must not be lost with it. */
  async #update(change: (index: Index) => Index, options: CallOptions): Promise<void> {
    await mkdir(this.#ingest.path, { recursive: true });
    await withLock(join(this.#ingest.path, "index.lock"), options.signal, async () => {
      const known = (await isPresent(this.#indexPath)) ? await this.index() : undefined;
      const changed = change(known ?? emptyIndex);
      if (known !== undefined && isDeepStrictEqual(known, changed)) return;
      const text = `${JSON.stringify(changed, undefined, 2)}\n`;
      await this.#ingest.write(fromBytes(Buffer.from(text)).open(), this.#indexPath, "fsync");
    });
  }

  /** An index does not always list what it holds: the manifests of an index are blobs only. */
  async #resolveDigest(index: Index, digest: Digest): Promise<Descriptor> {
    const entry = index.manifests.find((candidate) => candidate.digest === digest);
    if (entry) return entry;
    const info = await stat(this.#usedPath(digest)).catch(ignoreMissing);
    if (!info) throw this.#notFound(digest, index);
    const isSmall = info.size <= maxManifestBytes;
    const mediaType = isSmall
      ? sniffMediaType(await readSmallFile(this.blobPath(digest), maxManifestBytes))
      : undefined;
    return { mediaType: mediaType ?? "application/octet-stream", digest, size: info.size };
  }

  #notFound(what: string, index?: Index): RegistryError {
    const names = index ? listTags(index).map(({ reference }) => reference) : [];
    const shown = names.slice(0, 20).join(", ") + (names.length > 20 ? ", …" : "");
    return new RegistryError("NOT_FOUND", `${what} is not in the layout ${this.root}`, {
      hint: index ? (shown ? `it has ${shown}` : "it names no image") : undefined,
    });
  }
}

function onlyEntry(index: Index): Descriptor | undefined {
  const digests = new Set(index.manifests.map((entry) => entry.digest));
  return digests.size === 1 ? index.manifests[0] : undefined;
}

async function checkVersion(root: string): Promise<void> {
  const path = join(root, "oci-layout");
  if (!(await isPresent(path))) {
    throw new RegistryError("NOT_FOUND", `there is no OCI image layout at ${root}`, {
      hint: "an image layout is a folder with the files oci-layout and index.json",
    });
  }
  const text = Buffer.from(await readSmallFile(path, 4096)).toString();
  if (!/"imageLayoutVersion"\s*:\s*"1\.\d+\.\d+"/.test(text)) {
    throw new RegistryError("INVALID_LAYOUT", `${path} names no image layout version that is known here`);
  }
}

async function isPresent(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing)) !== undefined;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
