import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { EMPTY_SNAPSHOT, type Snapshot } from "../../layers/index.ts";
import {
  type Digest,
  defaultRetryPolicy,
  isDigest,
  RegistryError,
  redactUrl,
  type TransportResponse,
  withRetry,
} from "../../registry-client/index.ts";
import { httpFilename, redactAddresses } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import type { SourceContext } from "./context.ts";
import { type FetchOptions, writeBody } from "./http-body.ts";
import { httpError } from "./http-error.ts";
import { HttpRequest } from "./http-request.ts";
import { SourceRecord } from "./source-record.ts";

/** No file of a build is larger. */
const MAX_BYTES = 64 * 2 ** 30;

/** A file at an HTTP address. */
export interface HttpSource {
  readonly url: string;
  /** Its name in the snapshot. Default: the last part of the address's path, else `__unnamed__`. */
  readonly filename?: string;
  /** What its bytes must be. A file that is known to be them is not asked for again. */
  readonly checksum?: Digest;
  /** Default 64 GiB. */
  readonly maxBytes?: number;
}

/** A file that was downloaded: the only one of its snapshot, mode 0600, owned by root. */
export interface HttpFile {
  readonly snapshot: Snapshot;
  /** Absolute, in the store. Read only. */
  readonly path: string;
  readonly filename: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

interface HttpRecord {
  readonly snapshot: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

/**
 * Downloads a file into the store, or takes the one that is there when the server says that it has not changed (`ETag`,
 * `Last-Modified`). Follows redirects, repeats what may succeed later, keeps nothing of a download that failed.
 *
 * Throws BuildError: HTTP_NOT_FOUND, HTTP_FAILED, HTTP_UNREACHABLE, TLS_UNTRUSTED, CHECKSUM_MISMATCH, HTTP_TOO_LARGE,
 * INVALID_URL; the signal's reason when aborted. RFC 9110 sections 8.8 and 13.1.
 */
export async function fetchHttp(
  source: HttpSource,
  context: SourceContext,
  options: FetchOptions = {},
): Promise<HttpFile> {
  const url = parseUrl(source.url);
  const filename = source.filename ?? httpFilename(source.url);
  const record = new SourceRecord(context.store, "http", [source.url, filename, context.sourceDateEpoch]);
  const known = await knownFile(record, filename, context);
  if (known !== undefined && known.file.digest === source.checksum) return known.file;
  const request = new HttpRequest(context);
  try {
    return await withRetry(defaultRetryPolicy, options.signal, async () => {
      const response = await request.get(url, known === undefined ? {} : validators(known.record), options.signal);
      if (known !== undefined && isUnchanged(response, known.record)) {
        await response.discard();
        return checked(known.file, source);
      }
      if (response.status !== 200) throw unexpected(url, response.status);
      return await download(response, { source, filename, record }, context, options);
    });
  } catch (error) {
    throw httpError(error, redactUrl(url));
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new BuildError("INVALID_URL", `not an HTTP address: ${redactAddresses(text)}`);
}

interface KnownFile {
  readonly record: HttpRecord;
  readonly file: HttpFile;
}

/** What an earlier build downloaded, if it is still whole. */
async function knownFile(
  source: SourceRecord,
  filename: string,
  { store }: SourceContext,
): Promise<KnownFile | undefined> {
  const record = source.read();
  if (!isHttpRecord(record)) return undefined;
  const snapshot = await store.snapshotter.find(record.snapshot);
  if (snapshot === undefined) return undefined;
  const { digest, sizeBytes } = record;
  const path = join(store.snapshotter.view(snapshot).lowers[0] ?? "", filename);
  const isWhole = await stat(path).then(
    ({ size }) => size === sizeBytes,
    () => false,
  );
  return isWhole ? { record, file: { snapshot, path, filename, digest, sizeBytes } } : undefined;
}

function isHttpRecord(value: unknown): value is HttpRecord {
  const record = value as Partial<HttpRecord> | undefined;
  return (
    typeof record?.snapshot === "string" &&
    record.snapshot !== "" &&
    typeof record.digest === "string" &&
    isDigest(record.digest) &&
    typeof record.sizeBytes === "number"
  );
}

function validators({ etag, lastModified }: HttpRecord): Readonly<Record<string, string>> {
  return {
    ...(etag === undefined ? {} : { "If-None-Match": etag }),
    ...(lastModified === undefined ? {} : { "If-Modified-Since": lastModified }),
  };
}

/** Some servers send the file again with the tag that they were shown. */
function isUnchanged({ status, headers }: TransportResponse, { etag }: HttpRecord): boolean {
  return status === 304 || (etag !== undefined && headers.get("etag") === etag);
}

interface Download {
  readonly source: HttpSource;
  readonly filename: string;
  readonly record: SourceRecord;
}

async function download(
  response: TransportResponse,
  { source, filename, record }: Download,
  context: SourceContext,
  options: FetchOptions,
): Promise<HttpFile> {
  const { snapshotter } = context.store;
  const active = await snapshotter.prepare(EMPTY_SNAPSHOT, options);
  try {
    const path = join(active.rootfs.upper, filename);
    const { digest, sizeBytes } = await writeBody(response, path, {
      ...options,
      maxBytes: source.maxBytes ?? MAX_BYTES,
    });
    checked({ digest }, source);
    for (const made of [path, active.rootfs.upper]) {
      await utimes(made, context.sourceDateEpoch, context.sourceDateEpoch);
    }
    const snapshot = await snapshotter.commit(active);
    const [etag, lastModified] = [response.headers.get("etag"), response.headers.get("last-modified")];
    record.write({
      snapshot: snapshot.id,
      digest,
      sizeBytes,
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    } satisfies HttpRecord);
    const committed = join(snapshotter.view(snapshot).lowers[0] ?? "", filename);
    return { snapshot, path: committed, filename, digest, sizeBytes };
  } catch (error) {
    await response.discard();
    await snapshotter.discard(active);
    throw error;
  }
}

function checked<T extends Pick<HttpFile, "digest">>(file: T, { url, checksum }: HttpSource): T {
  if (checksum === undefined || file.digest === checksum) return file;
  const shown = redactUrl(new URL(url));
  throw new BuildError("CHECKSUM_MISMATCH", `digest mismatch for ${shown}: ${file.digest} (expected: ${checksum})`, {
    hint: "the file has changed, or the checksum is of another one: if you trust what is there now, use its digest",
  });
}

function unexpected(url: URL, status: number): RegistryError {
  return new RegistryError("REGISTRY_FAILED", `GET ${redactUrl(url)}: invalid response status ${status}`, {
    url,
    status,
  });
}
