import { callCancellable } from "./native.ts";

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
  /** Keep `user.*` extended attributes too. `security.capability` is always kept, ACLs, labels and `trusted.*` never. */
  readonly userXattrs?: boolean;
  /** Compressing threads, default one a core. The bytes do not depend on it. */
  readonly threads?: number;
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
  /**
   * The layers below, lowest first, where they are there already: a directory that the layer mentions only in a path
   * gets its mode, owner and mtime from them. Without them it is root's, 0755 and of 1970.
   */
  readonly lowers?: readonly string[];
  /** The largest tar to accept, default 64 GiB. Beyond 1 GiB a blob may not unpack to more than 1100 times its size in any case. */
  readonly maxTarBytes?: number;
}

export interface ApplyResult {
  readonly diffId: string;
  readonly tarSizeBytes: number;
  readonly entries: number;
  /** The layer says what the root directory itself is like. */
  readonly hasRoot: boolean;
  /** Directories that the layer mentions only in a path: how they look depends on `lowers`. */
  readonly impliedDirectories: number;
  /** Devices left out because this process may not make any. */
  readonly skippedDevices: number;
  /** Extended attributes that the filesystem does not have or this process may not set. */
  readonly skippedXattrs: number;
}

export interface FileDigest {
  /** `sha256:…` */
  readonly digest: string;
  readonly sizeBytes: number;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Writes an overlay upper as a layer blob, in one pass off the JS thread. Equal uppers give equal bytes, on any machine and
 * with any number of threads. What equals the lowers is left out; the parents of what is written are not.
 *
 * Throws RuntimeError: `LAYER_UNSUPPORTED` (a name that begins with `.wh.`, a path beyond 4095 bytes, redirect_dir or
 * metacopy), `LAYER_CHANGED` (a file changed meanwhile), `COMPRESSION_INVALID`, `NO_SPACE`, `NOT_FOUND`, `IO`.
 * After an error there is no output file. image-spec v1.1 layer.md, "Change Types" and "Whiteouts".
 */
export async function packLayer(request: PackRequest, options: CallOptions = {}): Promise<PackResult> {
  const native = { ...request, lowers: [...request.lowers] };
  return callCancellable(options.signal, (binding, cancel) => binding.packLayer(native, cancel));
}

/**
 * Unpacks a layer blob into an empty directory, in overlayfs's form, verifying size, digest and diffId on the way.
 * The compression is known by the first bytes: gzip, zstd or none. Nothing outside the directory is opened or written.
 *
 * Throws RuntimeError: `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `DIGEST_INVALID`, `LAYER_CORRUPT`, `LAYER_UNSAFE_PATH`,
 * `LAYER_TOO_LARGE`, `LAYER_UNSUPPORTED` (a member of a type no layer has), `NO_SPACE`, `NOT_FOUND`, `IO`.
 * After an error the directory holds what came before it, for the caller to delete.
 * image-spec v1.1 layer.md, "Applying Changesets".
 */
export async function applyLayer(request: ApplyRequest, options: CallOptions = {}): Promise<ApplyResult> {
  const { lowers, ...rest } = request;
  const native = lowers === undefined ? rest : { ...rest, lowers: [...lowers] };
  return callCancellable(options.signal, (binding, cancel) => binding.applyLayer(native, cancel));
}

/** A tar to be unpacked over what a directory holds, as ADD does. */
export interface UnpackRequest {
  /** Path of the file: plain, gzip, bzip2, xz or zstd, by its first bytes. */
  readonly archive: string;
  /** Path of a directory. What is there is merged with and replaced, never followed out of. */
  readonly target: string;
  /** The mtime of everything that is made, seconds since 1970. */
  readonly sourceDateEpoch: number;
  /** Of every member. Default: the archive's own. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Unpacks an archive; false, and nothing done, when the file is none. Whiteouts are names like others, devices that this
 * user cannot make are left out, and a path that would leave the directory is an error.
 *
 * Throws RuntimeError: `ARCHIVE_CORRUPT`, `ARCHIVE_UNSAFE_PATH`, `ARCHIVE_TOO_LARGE`, `ARCHIVE_UNSUPPORTED`, `NO_SPACE`,
 * `NOT_FOUND`, `IO`. After an error the directory holds what came before it, for the caller to delete.
 */
export async function unpackArchive(request: UnpackRequest, options: CallOptions = {}): Promise<boolean> {
  const { owner, ...rest } = request;
  return callCancellable(options.signal, (binding, cancel) => binding.unpackArchive({ ...rest, ...owner }, cancel));
}

/** sha256 and size of a file, read off the JS thread. Throws RuntimeError: `NOT_FOUND`, `IO`. */
export async function digestFile(path: string, options: CallOptions = {}): Promise<FileDigest> {
  return callCancellable(options.signal, (binding, cancel) => binding.digestFile(path, cancel));
}
