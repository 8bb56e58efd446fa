import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { RegistryError, redactUrl } from "../errors.ts";
import { requestFollowing } from "../http/redirect.ts";
import { responseError } from "../http/response-error.ts";
import { isLoopback, isPrivateAddress } from "../http/scheme.ts";
import { SingleFlight } from "../http/single-flight.ts";
import type { Transport, TransportRequest, TransportResponse } from "../transport.ts";
import type { Credential } from "./credentials.ts";
import { coversScopes, mergeScopes, type Scope } from "./scope.ts";

/** What a token is asked for with. */
export interface TokenRequest {
  /** The registry's name, for what is said to people. */
  readonly registry: string;
  /** The address that sent the challenge. */
  readonly registryUrl: URL;
  readonly realm: string;
  readonly service: string | undefined;
  /** What the registry has just demanded; named first, since some servers read only the first. */
  readonly demanded: readonly Scope[];
  readonly scopes: readonly Scope[];
  readonly credential: Credential | undefined;
  readonly allowUntrusted: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface CachedToken {
  readonly scopes: readonly Scope[];
  readonly token: string;
  readonly expiresAt: number;
}

const clientId = "tsbuild";
/** What a token without expires_in is good for. Reference: distribution, token authentication specification. */
const defaultLifetimeSeconds = 60;
const maxTokenBytes = 128 << 10;
/** Answers by which servers say that they do not do OAuth2. */
const noOauthStatuses: ReadonlySet<number> = new Set([400, 401, 404, 405]);

/**
 * Bearer tokens of one process: kept until they run out, and asked for once however many calls need them. A token for
 * more rights serves where fewer are needed.
 * Reference: distribution.github.io/distribution/spec/auth/token and /oauth.
 */
export class TokenCache {
  readonly #transport: Transport;
  readonly #tokens = new Map<string, CachedToken[]>();
  readonly #asking = new SingleFlight<string>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** A token that is good for the scopes. Throws UNAUTHORIZED, or PROTOCOL_ERROR when the realm is not to be trusted. */
  async get(request: TokenRequest): Promise<string> {
    const scopes = mergeScopes([...request.demanded, ...request.scopes]);
    const group = groupKey(request);
    const cached = this.#tokens.get(group)?.find((token) => isFresh(token) && coversScopes(token.scopes, scopes));
    if (cached) return cached.token;
    return this.#asking.run(`${group}\n${scopes.join(" ")}`, request.signal, () => this.#ask(request, scopes, group));
  }

  /** Forgets a token that the registry no longer takes. */
  drop(token: string): void {
    for (const [group, tokens] of this.#tokens) {
      this.#tokens.set(
        group,
        tokens.filter((cached) => cached.token !== token),
      );
    }
  }

  async #ask(request: TokenRequest, scopes: readonly Scope[], group: string): Promise<string> {
    const realm = checkRealm(request);
    const ordered = [
      ...mergeScopes(request.demanded.length > 0 ? withActions(request.demanded, scopes) : []),
      ...scopes,
    ];
    const response = await this.#send(request, realm, [...new Set(ordered)]);
    if (response.status !== 200) throw await refused(response, request);
    const { token, lifetimeSeconds } = await readToken(response);
    const expiresAt = Date.now() + lifetimeSeconds * 1000 - Math.min(10_000, lifetimeSeconds * 100);
    const others = (this.#tokens.get(group) ?? []).filter(isFresh);
    this.#tokens.set(group, [...others, { scopes, token, expiresAt }]);
    return token;
  }

  async #send(request: TokenRequest, realm: URL, scopes: readonly Scope[]): Promise<TransportResponse> {
    if (request.credential?.type !== "identity-token")
      return requestFollowing(this.#transport, getRequest(request, realm, scopes));
    const response = await requestFollowing(
      this.#transport,
      postRequest(request, realm, scopes, request.credential.token),
    );
    if (!noOauthStatuses.has(response.status)) return response;
    await response.discard();
    return requestFollowing(this.#transport, getRequest(request, realm, scopes));
  }
}

/** The merged scopes of the resources that were demanded. */
function withActions(demanded: readonly Scope[], merged: readonly Scope[]): readonly Scope[] {
  return merged.filter((scope) => demanded.some((wanted) => coversScopes([scope], mergeScopes([wanted]))));
}

/**
 * Credentials go to the realm: https unless the registry itself is in the clear, and no address inside a private network
 * unless the registry is that very host.
 */
function checkRealm({ realm, registryUrl }: TokenRequest): URL {
  if (!URL.canParse(realm)) throw realmError(registryUrl, "names no valid token realm");
  const url = new URL(realm);
  const isClear = url.protocol === "http:";
  if (!isClear && url.protocol !== "https:") throw realmError(registryUrl, "names no valid token realm");
  if (isClear && registryUrl.protocol !== "http:")
    throw realmError(registryUrl, `wants credentials sent in the clear to ${url.host}`);
  const isInner = isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0 && isPrivateAddress(url.hostname);
  const isSameMachine = isLoopback(url.hostname) && isLoopback(registryUrl.hostname);
  if (isInner && url.hostname !== registryUrl.hostname && !isSameMachine) {
    throw realmError(registryUrl, `wants credentials sent to the private address ${url.host}`);
  }
  return url;
}

function getRequest(request: TokenRequest, realm: URL, scopes: readonly Scope[]): TransportRequest {
  const url = new URL(realm);
  const basic = basicPair(request.credential);
  if (request.service) url.searchParams.set("service", request.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  url.searchParams.set("client_id", clientId);
  if (basic?.username) url.searchParams.set("account", basic.username);
  const headers = basic ? { Authorization: basicHeader(basic.username, basic.password) } : {};
  return { ...commonParts(request, url), method: "GET", headers: { Accept: "application/json", ...headers } };
}

function postRequest(
  request: TokenRequest,
  url: URL,
  scopes: readonly Scope[],
  refreshToken: string,
): TransportRequest {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken, client_id: clientId });
  form.set("service", request.service ?? request.registryUrl.host);
  form.set("scope", scopes.join(" "));
  const bytes = Buffer.from(form.toString());
  return {
    ...commonParts(request, url),
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
    body: {
      size: bytes.byteLength,
      async *open() {
        yield bytes;
      },
    },
  };
}

function commonParts(request: TokenRequest, url: URL): Pick<TransportRequest, "url" | "allowUntrusted" | "signal"> {
  const isRegistry = url.host === request.registryUrl.host;
  return { url, allowUntrusted: isRegistry && request.allowUntrusted, signal: request.signal };
}

/** The value of an Authorization header. Reference: RFC 7617. */
export function basicHeader(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function basicPair(
  credential: Credential | undefined,
): { readonly username: string; readonly password: string } | undefined {
  if (credential?.type === "password") return credential;
  if (credential?.type === "identity-token") return { username: credential.username ?? "", password: credential.token };
  return undefined;
}

async function readToken(
  response: TransportResponse,
): Promise<{ readonly token: string; readonly lifetimeSeconds: number }> {
  const answer = parseAnswer(await readBounded(response));
  const token = [answer["access_token"], answer["token"]].find((value) => typeof value === "string" && value !== "");
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new RegistryError("PROTOCOL_ERROR", `${redactUrl(response.url)} answered no token`, { url: response.url });
  }
  const lifetime = Number(answer["expires_in"]);
  return { token, lifetimeSeconds: lifetime > 0 ? Math.min(lifetime, 86_400) : defaultLifetimeSeconds };
}

async function readBounded(response: TransportResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > maxTokenBytes) {
      throw new RegistryError("PROTOCOL_ERROR", `${redactUrl(response.url)} answered more than ${maxTokenBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseAnswer(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

async function refused(response: TransportResponse, request: TokenRequest): Promise<RegistryError> {
  const secret = basicPair(request.credential)?.password;
  const error = await responseError(response, { method: "GET", secret });
  if (response.status !== 401 && response.status !== 403) return error;
  const hint = authenticationHint(request.registry, request.credential);
  return new RegistryError("UNAUTHORIZED", error.message, {
    method: "GET",
    url: response.url,
    status: response.status,
    hint,
  });
}

/** What to do when a registry wants to know who we are. */
export function authenticationHint(host: string, credential: Credential | undefined): string {
  return credential
    ? `credentials were refused by ${host}: log in again with docker login`
    : `no credentials found for host ${host}: log in with docker login; the repository may also be private or not exist`;
}

function realmError(registryUrl: URL, reason: string): RegistryError {
  return new RegistryError("PROTOCOL_ERROR", `${registryUrl.host} ${reason}`, { url: registryUrl });
}

function isFresh(token: CachedToken): boolean {
  return token.expiresAt > Date.now();
}

/** Tokens are shared among calls with the same identity only. */
function groupKey({ registryUrl, realm, service, credential }: TokenRequest): string {
  const identity = credential ? createHash("sha256").update(JSON.stringify(credential)).digest("hex") : "anonymous";
  return [registryUrl.origin, realm, service ?? "", identity].join("\n");
}
