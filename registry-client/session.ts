import { Authorizer, type CallIdentity } from "./auth/authorizer.ts";
import { parseChallenges } from "./auth/challenge.ts";
import type { CredentialStore } from "./auth/credentials.ts";
import type { Scope } from "./auth/scope.ts";
import { authenticationHint, type TokenCache } from "./auth/token.ts";
import { RegistryError } from "./errors.ts";
import { type Concurrency, HostLanes } from "./http/concurrency.ts";
import { requestFollowing } from "./http/redirect.ts";
import { responseError } from "./http/response-error.ts";
import { type RetryPolicy, withRetry } from "./http/retry.ts";
import { resolveScheme } from "./http/scheme.ts";
import { SingleFlight } from "./http/single-flight.ts";
import { parseWarnings } from "./http/warning.ts";
import { registryHost } from "./reference.ts";
import type { RequestBody, Transport, TransportRequest, TransportResponse } from "./transport.ts";

export interface SessionOptions {
  /** `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string;
  /** Plain HTTP and unverified certificates are allowed. */
  readonly isInsecure: boolean;
  readonly transport: Transport;
  readonly credentials: CredentialStore;
  readonly tokens: TokenCache;
  readonly retry: RetryPolicy;
  readonly concurrency: Partial<Concurrency>;
  readonly userAgent: string;
  readonly onWarning: (message: string) => void;
}

export interface SessionRequest {
  readonly method: TransportRequest["method"];
  /** A path below the registry's root, or the whole address that the registry gave for an upload. */
  readonly target: string | URL;
  readonly repository: string;
  readonly scopes: readonly Scope[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /** Statuses that are answers; every other one is thrown as an error. */
  readonly accepts: readonly number[];
  /** Default true. A caller that repeats more than this one request says false. */
  readonly isRetried?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** 401 and anew, twice: a token that has run out, then one that lacks a right. */
const maxAnswers = 2;
/** A registry that has more to say than this is not listened to. */
const maxWarnings = 100;

/** What one process has with one registry: its scheme, its way to log in, its places, its uploads under way. */
export class HostSession {
  readonly registry: string;
  readonly lanes: HostLanes;
  readonly retry: RetryPolicy;
  /** Blobs being sent, by repository and digest. */
  readonly uploads: SingleFlight<void> = new SingleFlight();
  readonly #options: SessionOptions;
  readonly #authorizer: Authorizer;
  readonly #warned = new Set<string>();
  #origin: Promise<string> | undefined;

  constructor(options: SessionOptions) {
    this.registry = options.registry;
    this.retry = options.retry;
    this.lanes = new HostLanes(options.concurrency);
    this.#options = options;
    this.#authorizer = new Authorizer({
      credentials: options.credentials,
      tokens: options.tokens,
      allowUntrusted: options.isInsecure,
      ping: (signal) => this.#pingForChallenge(signal),
    });
  }

  /** The answer, if it is one of `accepts`. Logs in and retries as needed; throws RegistryError for everything else. */
  send(request: SessionRequest): Promise<TransportResponse> {
    if (request.isRetried === false) return this.#attempt(request);
    return withRetry(this.retry, request.signal, () => this.#attempt(request));
  }

  async #attempt(request: SessionRequest): Promise<TransportResponse> {
    const call: CallIdentity = { registry: this.registry, ...request };
    const { response, authorization } = await this.#authorized(request, call);
    this.#warn(response);
    if (request.accepts.includes(response.status)) return response;
    throw await this.#failure(response, request, call, authorization);
  }

  /** Sends the request, and again with an answer to its challenge. A challenge of another host is not answered. */
  async #authorized(request: SessionRequest, call: CallIdentity): Promise<Answered> {
    const origin = await this.#resolveOrigin();
    const url = typeof request.target === "string" ? new URL(request.target, origin) : request.target;
    const isOwn = url.origin === origin;
    let authorization = isOwn ? await this.#authorizer.header(call) : undefined;
    for (let answers = 0; ; answers++) {
      const response = await requestFollowing(
        this.#options.transport,
        this.#transportRequest(request, url, authorization),
      );
      const isChallenge = response.status === 401 && isOwn && response.url.origin === origin;
      if (!isChallenge || answers === maxAnswers) return { response, authorization };
      await response.discard();
      authorization = await this.#authorizer.answer(response, call, authorization);
    }
  }

  #transportRequest(request: SessionRequest, url: URL, authorization: string | undefined): TransportRequest {
    return {
      method: request.method,
      url,
      headers: {
        "User-Agent": this.#options.userAgent,
        "Accept-Encoding": "identity",
        ...request.headers,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
      body: request.body,
      allowUntrusted: this.#options.isInsecure,
      signal: request.signal,
    };
  }

  #resolveOrigin(): Promise<string> {
    const host = registryHost(this.registry);
    this.#origin ??= resolveScheme(host, this.#options.isInsecure).then(
      (scheme) => new URL(`${scheme}://${host}`).origin,
    );
    return this.#origin;
  }

  async #pingForChallenge(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const url = new URL("/v2/", await this.#resolveOrigin());
    const ping = this.#transportRequest(
      { method: "GET", target: url, repository: "", scopes: [], accepts: [], signal },
      url,
      undefined,
    );
    const response = await requestFollowing(this.#options.transport, ping);
    await response.discard();
    return response.url.origin === url.origin ? response.headers.all("www-authenticate") : [];
  }

  /** Each warning once, in the order they come. */
  #warn(response: TransportResponse): void {
    for (const text of parseWarnings(response.headers.all("warning"))) {
      if (this.#warned.has(text) || this.#warned.size >= maxWarnings) continue;
      this.#warned.add(text);
      this.#options.onWarning(`${this.registry}: ${text}`);
    }
  }

  async #failure(
    response: TransportResponse,
    request: SessionRequest,
    call: CallIdentity,
    authorization: string | undefined,
  ): Promise<RegistryError> {
    const { status, url } = response;
    const { method } = request;
    const secret = authorization?.slice(authorization.indexOf(" ") + 1);
    if (status !== 401 && status !== 403) return responseError(response, { method, secret });
    const credential = await this.#authorizer.credential(call);
    const hint = authenticationHint(this.registry, credential);
    const { message } = await responseError(response, { method, secret });
    const isDenied = credential !== undefined && (status === 403 || lacksRight(response));
    return isDenied
      ? new RegistryError("DENIED", message, {
          method,
          url,
          status,
          hint: `the user who is logged in to ${this.registry} may not do this`,
        })
      : new RegistryError("UNAUTHORIZED", message, { method, url, status, hint });
  }
}

/** A known user without the right to do this, as RFC 6750 section 3.1 says it. */
function lacksRight(response: TransportResponse): boolean {
  const challenges = parseChallenges(response.headers.all("www-authenticate"));
  return challenges.some(({ parameters }) => parameters.get("error") === "insufficient_scope");
}

interface Answered {
  readonly response: TransportResponse;
  readonly authorization: string | undefined;
}

/** One repository of one host. */
export interface Remote {
  readonly session: HostSession;
  /** As the host knows it. */
  readonly repository: string;
}
