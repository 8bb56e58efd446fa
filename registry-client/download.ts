import { Readable } from "node:stream";
import { repositoryScope } from "./auth/scope.ts";
import { blobPath } from "./blobs.ts";
import { skipBytes } from "./content.ts";
import { RegistryError, redactUrl } from "./errors.ts";
import { withRetry } from "./http/retry.ts";
import type { Descriptor } from "./oci.ts";
import type { Remote } from "./session.ts";
import type { ByteStream, CallOptions } from "./storage.ts";
import type { TransportResponse } from "./transport.ts";
import { sizeMismatch } from "./verify.ts";

/** Gaining this much makes up for the failures before it. */
const progressBytes = 1 << 20;

/**
 * The bytes of a blob from `offset` on, `size` bytes in all but not verified. A transfer that breaks off goes on where it
 * was, from the registry's own address: a redirect's may have run out.
 * Throws NOT_FOUND, SIZE_MISMATCH, PROTOCOL_ERROR (a wrong range) or what broke the last attempt.
 * Reference: distribution-spec v1.1, "Pulling blobs"; RFC 9110 section 14.
 */
export async function* downloadBlob(
  remote: Remote,
  target: Descriptor,
  offset: number,
  options: CallOptions = {},
): AsyncGenerator<Uint8Array> {
  const release = await remote.session.lanes.downloads.acquire(options.signal);
  try {
    yield* resumed(remote, target, offset, options);
  } finally {
    release();
  }
}

async function* resumed(
  remote: Remote,
  target: Descriptor,
  offset: number,
  options: CallOptions,
): AsyncGenerator<Uint8Array> {
  const { retry } = remote.session;
  let position = offset;
  for (let failures = 0, reached = position; ; ) {
    try {
      for await (const chunk of await openAt(remote, target, position, options)) {
        position += chunk.byteLength;
        if (position > target.size) throw sizeMismatch(target, `more than ${target.size}`);
        yield chunk;
      }
      if (position >= target.size) return;
      throw cutShort(remote, target, position);
    } catch (error) {
      if (position - reached >= progressBytes) failures = 0;
      reached = position;
      failures++;
      if (!(error instanceof RegistryError) || !error.isTransient || failures >= retry.tries) throw error;
      await pause(remote, failures, options.signal, error);
    }
  }
}

/** One wait as the policy has it: an attempt that fails once, and then does not. */
async function pause(
  remote: Remote,
  failures: number,
  signal: AbortSignal | undefined,
  error: RegistryError,
): Promise<void> {
  await withRetry(
    { ...remote.session.retry, tries: 2, baseDelayMs: remote.session.retry.baseDelayMs * 2 ** (failures - 1) },
    signal,
    async (count) => {
      if (count === 1) throw error;
    },
  );
}

async function openAt(remote: Remote, target: Descriptor, position: number, options: CallOptions): Promise<ByteStream> {
  const response = await remote.session.send({
    method: "GET",
    target: blobPath(remote, target.digest),
    repository: remote.repository,
    scopes: [repositoryScope(remote.repository, "pull")],
    headers: position > 0 ? { Range: `bytes=${position}-` } : {},
    accepts: position > 0 ? [200, 206, 416] : [200],
    signal: options.signal,
  });
  if (response.status === 200) return wholeFrom(response, target, position);
  if (response.status === 206) return checkRange(response, target, position);
  await response.discard();
  if (position === target.size) return Readable.from([]);
  throw sizeMismatch(target, `no byte ${position}, so fewer bytes,`);
}

/** A server that does not do ranges sends everything: what we have is passed over. */
function wholeFrom(response: TransportResponse, target: Descriptor, position: number): ByteStream {
  const encoding = response.headers.get("content-encoding") ?? "identity";
  if (encoding === "gzip" || encoding === "x-gzip") return skipBytes(gunzip(response.body), position);
  const length = response.headers.get("content-length");
  if (length !== undefined && Number(length) !== target.size) {
    void response.discard();
    throw sizeMismatch(target, length);
  }
  return skipBytes(response.body, position);
}

/** Some servers compress although identity was asked for; the digest is that of what they compressed. */
async function* gunzip(body: ByteStream): AsyncGenerator<Uint8Array> {
  const { createGunzip } = await import("node:zlib");
  const source = Readable.from(body, { objectMode: false });
  const decoder = createGunzip();
  source.once("error", (error) => decoder.destroy(error));
  yield* source.pipe(decoder);
}

/** Never splices what was not asked for. */
function checkRange(response: TransportResponse, target: Descriptor, position: number): ByteStream {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const isWanted = range && Number(range[1]) === position && (range[3] === "*" || Number(range[3]) === target.size);
  if (isWanted) return response.body;
  void response.discard();
  throw new RegistryError(
    "PROTOCOL_ERROR",
    `${redactUrl(response.url)} answered another range than the one asked for`,
    {
      url: response.url,
      status: response.status,
    },
  );
}

function cutShort(remote: Remote, target: Descriptor, position: number): RegistryError {
  const message = `${target.digest} from ${remote.session.registry} ended after ${position} of ${target.size} bytes`;
  return new RegistryError("SIZE_MISMATCH", message, { isTransient: true });
}
