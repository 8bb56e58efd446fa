import { repositoryScope } from "./auth/scope.ts";
import { type Digest, digestAlgorithm, digestBytes, isDigest } from "./digest.ts";
import { maxManifestBytes, sniffMediaType } from "./documents.ts";
import { isNotFound, RegistryError, redactUrl } from "./errors.ts";
import { bareMediaType, isManifestOrIndexType, manifestAccept } from "./media-type.ts";
import type { Descriptor } from "./oci.ts";
import type { Remote } from "./session.ts";
import type { CallOptions, ExistsOptions } from "./storage.ts";
import type { TransportResponse } from "./transport.ts";

/** A manifest with its bytes, exactly as the registry has them. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Answers to HEAD after which a GET tells what is the matter: an answer to HEAD has no body to say it in. */
const unclearStatuses = [400, 403, 404, 405, 406, 501];

/**
 * A tag or digest → its descriptor, by HEAD, which registries do not count against a pull limit; by GET where HEAD is not
 * answered in full. Reference: distribution-spec v1.1, "Checking if content exists in the registry".
 */
export async function resolveManifest(
  remote: Remote,
  reference: string,
  options: CallOptions = {},
): Promise<Descriptor> {
  const response = await head(remote, reference, [200, ...unclearStatuses], options);
  const descriptor = response.status === 200 ? describeHead(response, reference) : undefined;
  return descriptor ?? (await getManifest(remote, reference, options)).descriptor;
}

/** Whether the repository has a manifest. */
export async function hasManifest(remote: Remote, digest: Digest, options: ExistsOptions = {}): Promise<boolean> {
  const response = await head(remote, digest, [200, ...unclearStatuses], options);
  if (response.status === 200) return true;
  if (response.status === 404) return false;
  try {
    await getManifest(remote, digest, options);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/**
 * A manifest of at most 4 MiB, verified against `reference` when that is a digest, and against the registry's own word.
 * Throws NOT_FOUND, NAME_UNKNOWN or MANIFEST_UNKNOWN, TOO_LARGE, DIGEST_MISMATCH, PROTOCOL_ERROR, UNSUPPORTED (schema 1).
 * Reference: distribution-spec v1.1, "Pulling manifests".
 */
export async function getManifest(
  remote: Remote,
  reference: string,
  options: CallOptions = {},
): Promise<FetchedManifest> {
  const response = await remote.session.lanes.documents.run(options.signal, () =>
    remote.session.send({
      method: "GET",
      target: manifestPath(remote, reference),
      repository: remote.repository,
      scopes: [repositoryScope(remote.repository, "pull")],
      headers: { Accept: manifestAccept },
      accepts: [200],
      signal: options.signal,
    }),
  );
  const bytes = await readManifest(response);
  const digest = verifiedDigest(response, reference, bytes);
  return { descriptor: { mediaType: manifestType(response, bytes), digest, size: bytes.byteLength }, bytes };
}

/** Reference: distribution-spec v1.1, "Pushing Manifests". */
export async function putManifest(
  remote: Remote,
  reference: string,
  manifest: FetchedManifest,
  options: CallOptions = {},
): Promise<void> {
  const { bytes, descriptor } = manifest;
  const response = await remote.session.lanes.documents.run(options.signal, () =>
    remote.session.send({
      method: "PUT",
      target: manifestPath(remote, reference),
      repository: remote.repository,
      scopes: [repositoryScope(remote.repository, "pull", "push")],
      headers: { "Content-Type": descriptor.mediaType },
      body: {
        size: bytes.byteLength,
        async *open() {
          yield bytes;
        },
      },
      accepts: [200, 201, 202, 204],
      signal: options.signal,
    }),
  );
  await response.discard();
  checkStoredDigest(response, descriptor.digest);
}

/** The registry's word on what it has stored, where it gives one. Throws DIGEST_MISMATCH. */
export function checkStoredDigest(response: TransportResponse, expected: Digest): void {
  const stored = contentDigest(response);
  if (stored === undefined || stored === expected || digestAlgorithm(stored) !== digestAlgorithm(expected)) return;
  throw mismatch(response, `the registry stored ${stored} where ${expected} was sent`);
}

async function head(
  remote: Remote,
  reference: string,
  accepts: readonly number[],
  options: ExistsOptions,
): Promise<TransportResponse> {
  const actions = options.isBeforePush ? (["pull", "push"] as const) : (["pull"] as const);
  return remote.session.lanes.documents.run(options.signal, async () => {
    const response = await remote.session.send({
      method: "HEAD",
      target: manifestPath(remote, reference),
      repository: remote.repository,
      scopes: [repositoryScope(remote.repository, ...actions)],
      headers: { Accept: manifestAccept },
      accepts,
      signal: options.signal,
    });
    await response.discard();
    return response;
  });
}

function manifestPath(remote: Remote, reference: string): string {
  return `/v2/${remote.repository}/manifests/${reference}`;
}

/** undefined when the answer leaves something out, or is not about what was asked. */
function describeHead(response: TransportResponse, reference: string): Descriptor | undefined {
  const digest = contentDigest(response);
  const size = Number(response.headers.get("content-length") ?? Number.NaN);
  const mediaType = bareMediaType(response.headers.get("content-type") ?? "");
  if (!digest || !Number.isSafeInteger(size) || size <= 0 || !isManifestOrIndexType(mediaType)) return undefined;
  return isDigest(reference) && reference !== digest ? undefined : { mediaType, digest, size };
}

async function readManifest(response: TransportResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxManifestBytes) {
      throw new RegistryError("TOO_LARGE", `${redactUrl(response.url)} has more than ${maxManifestBytes} bytes`, {
        url: response.url,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function verifiedDigest(response: TransportResponse, reference: string, bytes: Uint8Array): Digest {
  const claimed = contentDigest(response);
  const wanted = isDigest(reference) ? reference : claimed;
  const actual = digestBytes(bytes, wanted && digestAlgorithm(wanted));
  if (wanted !== undefined && wanted !== actual) {
    throw mismatch(
      response,
      `the manifest has the digest ${actual} where ${wanted} was ${isDigest(reference) ? "asked for" : "claimed"}`,
    );
  }
  return actual;
}

function contentDigest(response: TransportResponse): Digest | undefined {
  const value = response.headers.get("docker-content-digest") ?? "";
  return isDigest(value) ? value : undefined;
}

function manifestType(response: TransportResponse, bytes: Uint8Array): string {
  const header = bareMediaType(response.headers.get("content-type") ?? "");
  if (/^application\/vnd\.docker\.distribution\.manifest\.v1\b/.test(header)) throw schema1(response);
  const own = sniffMediaType(bytes);
  if (own === undefined) throw protocolError(response, "answered no image manifest or index");
  if (isManifestOrIndexType(header) && header !== own)
    throw protocolError(response, `calls ${header} what says that it is ${own}`);
  return own;
}

function mismatch(response: TransportResponse, reason: string): RegistryError {
  return new RegistryError("DIGEST_MISMATCH", `${redactUrl(response.url)}: ${reason}`, {
    url: response.url,
    status: response.status,
  });
}

function protocolError(response: TransportResponse, reason: string): RegistryError {
  return new RegistryError("PROTOCOL_ERROR", `${redactUrl(response.url)} ${reason}`, {
    url: response.url,
    status: response.status,
  });
}

function schema1(response: TransportResponse): RegistryError {
  return new RegistryError("UNSUPPORTED", `${redactUrl(response.url)} is a Docker schema 1 manifest`, {
    url: response.url,
    hint: "push the image again with a current client: schema 1 has been withdrawn",
  });
}
