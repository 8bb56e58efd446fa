import { repositoryScope } from "./auth/scope.ts";
import { blobPath, hasBlob } from "./blobs.ts";
import { type Digest, digestAlgorithm } from "./digest.ts";
import { RegistryError, redactUrl } from "./errors.ts";
import { resolveLocation } from "./http/redirect.ts";
import { withRetry } from "./http/retry.ts";
import { isPrivateAddress } from "./http/scheme.ts";
import { checkStoredDigest } from "./manifests.ts";
import type { Descriptor } from "./oci.ts";
import type { Remote } from "./session.ts";
import type { CallOptions, ContentSource, PushOptions } from "./storage.ts";
import type { TransportResponse } from "./transport.ts";

/** How long a farewell to an upload that is given up may take. */
const cancelTimeoutMs = 3_000;

/**
 * Puts a blob into a repository: found there, else mounted from another repository, else sent in one piece, and sent anew
 * when that fails on the way. Calls for the same blob at once share one upload.
 * The registry verifies the digest: DIGEST_MISMATCH is its refusal.
 * Reference: distribution-spec v1.1, "Pushing blobs".
 */
export async function uploadBlob(
  remote: Remote,
  expected: Descriptor,
  content: ContentSource,
  options: PushOptions = {},
): Promise<void> {
  const { session, repository } = remote;
  await session.uploads.run(`${repository}@${expected.digest}`, options.signal, () =>
    session.lanes.uploads.run(options.signal, () => upload(remote, expected, content, options)),
  );
}

async function upload(
  remote: Remote,
  expected: Descriptor,
  content: ContentSource,
  options: PushOptions,
): Promise<void> {
  const isStored = (): Promise<boolean> => hasBlob(remote, expected.digest, { ...options, isBeforePush: true });
  if (!options.isAbsent && (await isStored())) return;
  let location = await mount(remote, expected, options);
  if (location === "mounted") return;
  await withRetry(remote.session.retry, options.signal, async (count) => {
    // The answer to an upload that the registry has finished may have been lost.
    if (count > 1 && (await isStored())) return;
    const started = location instanceof URL ? location : await startUpload(remote, expected, options.signal);
    location = undefined;
    await sendContent(remote, started, { expected, content }, options);
  });
}

/** Tries the repositories that may have the blob. An upload that a registry opens instead is used, not opened again. */
async function mount(remote: Remote, expected: Descriptor, options: PushOptions): Promise<"mounted" | URL | undefined> {
  for (const from of options.mountFrom ?? []) {
    const response = await tryMount(remote, expected, from, options.signal);
    if (response?.status === 202) return uploadLocation(response);
    if (response?.status === 201) {
      options.onMounted?.(from);
      return "mounted";
    }
  }
  return undefined;
}

/** A mount that is refused, or gives something else, is no failure: the blob is sent. */
async function tryMount(
  remote: Remote,
  expected: Descriptor,
  from: string,
  signal: AbortSignal | undefined,
): Promise<TransportResponse | undefined> {
  const query = `mount=${encodeURIComponent(expected.digest)}&from=${encodeURIComponent(from)}`;
  try {
    const response = await post(remote, `?${query}`, [repositoryScope(from, "pull")], [201, 202], signal);
    if (response.status === 201) checkStoredDigest(response, expected.digest);
    return response;
  } catch (error) {
    if (signal?.aborted || !(error instanceof RegistryError)) throw error;
    return undefined;
  }
}

async function startUpload(remote: Remote, expected: Descriptor, signal: AbortSignal | undefined): Promise<URL> {
  const algorithm = digestAlgorithm(expected.digest);
  const query = algorithm === "sha256" ? "" : `?digest-algorithm=${algorithm}`;
  return uploadLocation(await post(remote, query, [], [202], signal));
}

async function post(
  remote: Remote,
  query: string,
  moreScopes: readonly string[],
  accepts: readonly number[],
  signal: AbortSignal | undefined,
): Promise<TransportResponse> {
  const response = await remote.session.send({
    method: "POST",
    target: `/v2/${remote.repository}/blobs/uploads/${query}`,
    repository: remote.repository,
    scopes: [repositoryScope(remote.repository, "pull", "push"), ...moreScopes],
    headers: { "Content-Length": "0" },
    accepts,
    isRetried: false,
    signal,
  });
  await response.discard();
  return response;
}

/** The Location of an upload, which may lead to another host, but not from a public one into a private network. */
function uploadLocation(response: TransportResponse): URL {
  const location = response.headers.get("location");
  if (location === undefined) throw locationError(response.url, "opened an upload without a Location");
  const url = resolveLocation({ method: "POST", url: response.url }, location);
  const isOther = url.hostname !== response.url.hostname;
  if (isOther && isPrivateAddress(url.hostname) && !isPrivateAddress(response.url.hostname)) {
    throw locationError(response.url, `wants the content sent to the private address ${url.host}`);
  }
  return url;
}

function locationError(url: URL, reason: string): RegistryError {
  return new RegistryError("PROTOCOL_ERROR", `${redactUrl(url)} ${reason}`, { method: "POST", url });
}

interface Blob {
  readonly expected: Descriptor;
  readonly content: ContentSource;
}

async function sendContent(remote: Remote, location: URL, blob: Blob, options: CallOptions): Promise<void> {
  const { digest } = blob.expected;
  try {
    const response = await put(remote, withDigest(location, digest), blob, options);
    checkStoredDigest(response, digest);
    if (response.status !== 201) await demandStored(remote, digest, options);
  } catch (error) {
    await cancelUpload(remote, location);
    throw error instanceof RegistryError && error.status === 404 ? lostUpload(error, location) : error;
  }
}

async function put(remote: Remote, url: URL, blob: Blob, options: CallOptions): Promise<TransportResponse> {
  const response = await remote.session.send({
    method: "PUT",
    target: url,
    repository: remote.repository,
    scopes: [repositoryScope(remote.repository, "pull", "push")],
    headers: { "Content-Type": "application/octet-stream" },
    body: { size: blob.expected.size, open: () => blob.content.open() },
    accepts: [200, 201, 202, 204],
    isRetried: false,
    signal: options.signal,
  });
  await response.discard();
  return response;
}

/** The query is the registry's and may be signed: it is kept to the byte, and the digest put behind it. */
function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search = `${location.search === "" ? "?" : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** Some registries answer an upload with less than 201: then the blob has to be there. */
async function demandStored(remote: Remote, digest: Digest, options: CallOptions): Promise<void> {
  if (await hasBlob(remote, digest, { ...options, isBeforePush: true })) return;
  const { registry } = remote.session;
  throw new RegistryError("PROTOCOL_ERROR", `${registry} took ${blobPath(remote, digest)} but does not have it`);
}

/** Best effort: what is left over, the registry clears in time. */
async function cancelUpload(remote: Remote, location: URL): Promise<void> {
  const scopes = [repositoryScope(remote.repository, "pull", "push")];
  const signal = AbortSignal.timeout(cancelTimeoutMs);
  try {
    const { repository } = remote;
    const request = {
      method: "DELETE",
      target: location,
      repository,
      scopes,
      accepts: [204],
      isRetried: false,
      signal,
    } as const;
    await (await remote.session.send(request)).discard();
  } catch {}
}

/** A registry that has forgotten the upload gets a new one. */
function lostUpload(cause: RegistryError, url: URL): RegistryError {
  const { message, status } = cause;
  return new RegistryError("REGISTRY_FAILED", message, { method: "PUT", url, status, isTransient: true, cause });
}
