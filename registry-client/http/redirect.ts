import { RegistryError, redactUrl } from "../errors.ts";
import type { Transport, TransportRequest, TransportResponse } from "../transport.ts";

const maxRedirects = 10;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that are meant for one origin only. */
const privateHeaders: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/**
 * Sends a request and follows redirects. Credentials and the leave not to verify certificates stay with the scheme, host
 * and port they were given for. Throws PROTOCOL_ERROR after ten hops and on a redirect from https to http.
 */
export async function requestFollowing(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
  let current = request;
  for (let hop = 0; ; hop++) {
    const response = await transport.request(current);
    const location = response.headers.get("location");
    if (location === undefined || !mayFollow(current.method, response.status)) return response;
    await response.discard();
    if (hop === maxRedirects) throw redirectError(request, "redirects more than ten times");
    current = redirected(current, location);
  }
}

/** 303, and 301 and 302 by custom, turn other methods into GET, which no registry means: they are left to the caller. */
function mayFollow(method: string, status: number): boolean {
  if (!redirectStatuses.has(status)) return false;
  return method === "GET" || method === "HEAD" || status === 307 || status === 308;
}

function redirected(request: TransportRequest, location: string): TransportRequest {
  const url = resolveLocation(request, location);
  if (url.origin === request.url.origin) return { ...request, url };
  const headers = Object.entries(request.headers).filter(([name]) => !privateHeaders.has(name.toLowerCase()));
  return { ...request, url, headers: Object.fromEntries(headers), allowUntrusted: false };
}

/** A Location against the address it came from. Throws PROTOCOL_ERROR when it is none or gives up TLS. */
export function resolveLocation(request: Pick<TransportRequest, "method" | "url">, location: string): URL {
  const url = parseUrl(location, request.url);
  if (!url || !["http:", "https:"].includes(url.protocol)) throw redirectError(request, "answers an invalid Location");
  if (request.url.protocol === "https:" && url.protocol === "http:") {
    throw redirectError(
      request,
      "redirects from https to http",
      "the registry is behind a TLS proxy and must be told its public address",
    );
  }
  return url;
}

function parseUrl(location: string, base: URL): URL | undefined {
  return URL.canParse(location, base.href) ? new URL(location, base.href) : undefined;
}

function redirectError(
  request: Pick<TransportRequest, "method" | "url">,
  reason: string,
  hint?: string,
): RegistryError {
  return new RegistryError("PROTOCOL_ERROR", `${request.method} ${redactUrl(request.url)} ${reason}`, {
    method: request.method,
    url: request.url,
    hint,
  });
}
