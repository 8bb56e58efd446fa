import { RegistryError } from "../errors.ts";
import type { TransportResponse } from "../transport.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credential, CredentialStore } from "./credentials.ts";
import type { Scope } from "./scope.ts";
import { authenticationHint, basicHeader, type TokenCache } from "./token.ts";

/** Whom a call is made for, and what it may do. */
export interface CallIdentity {
  readonly registry: string;
  readonly repository: string;
  readonly scopes: readonly Scope[];
  readonly signal?: AbortSignal | undefined;
}

export interface AuthorizerOptions {
  readonly credentials: CredentialStore;
  readonly tokens: TokenCache;
  readonly allowUntrusted: boolean;
  /** Asks the registry's root for a challenge that its other addresses left out. */
  readonly ping: (signal: AbortSignal | undefined) => Promise<readonly string[]>;
}

type KnownScheme =
  | { readonly type: "none" }
  | { readonly type: "basic" }
  | {
      readonly type: "bearer";
      readonly registryUrl: URL;
      readonly realm: string;
      readonly service: string | undefined;
    };

/** Answers the challenges of one host, and remembers which kind it wants so that later calls need none. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  #scheme: KnownScheme = { type: "none" };

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The Authorization to send, by what is known so far. */
  async header(call: CallIdentity): Promise<string | undefined> {
    if (this.#scheme.type === "none") return undefined;
    const credential = await this.credential(call);
    if (this.#scheme.type === "basic") return basicFor(credential);
    return this.#bearer(this.#scheme, call, credential, []);
  }

  /** The Authorization that answers a 401. Throws UNAUTHORIZED when there is no better one than what was sent. */
  async answer(response: TransportResponse, call: CallIdentity, sent: string | undefined): Promise<string> {
    const credential = await this.credential(call);
    const challenge = await this.#challenge(response, call);
    const header = await this.#answerTo(challenge, response, call, credential, sent);
    if (header === undefined || header === sent) throw unauthorized(response, call, credential);
    return header;
  }

  credential(call: CallIdentity): Promise<Credential | undefined> {
    return this.#options.credentials.get(call);
  }

  async #answerTo(
    challenge: Challenge,
    response: TransportResponse,
    call: CallIdentity,
    credential: Credential | undefined,
    sent: string | undefined,
  ): Promise<string | undefined> {
    if (challenge.scheme === "basic") {
      this.#scheme = { type: "basic" };
      return basicFor(credential);
    }
    const { parameters } = challenge;
    const realm = parameters.get("realm") ?? "";
    const scheme = { type: "bearer", registryUrl: response.url, realm, service: parameters.get("service") } as const;
    this.#scheme = scheme;
    if (sent?.startsWith("Bearer ")) this.#options.tokens.drop(sent.slice("Bearer ".length));
    return this.#bearer(scheme, call, credential, (parameters.get("scope") ?? "").split(" ").filter(Boolean));
  }

  async #bearer(
    scheme: Extract<KnownScheme, { type: "bearer" }>,
    call: CallIdentity,
    credential: Credential | undefined,
    demanded: readonly Scope[],
  ): Promise<string> {
    if (credential?.type === "registry-token") return `Bearer ${credential.token}`;
    const { allowUntrusted, tokens } = this.#options;
    const { registry, scopes, signal } = call;
    return `Bearer ${await tokens.get({ ...scheme, registry, demanded, scopes, credential, allowUntrusted, signal })}`;
  }

  async #challenge(response: TransportResponse, call: CallIdentity): Promise<Challenge> {
    const own = parseChallenges(response.headers.all("www-authenticate"));
    const challenges = own.length > 0 ? own : parseChallenges(await this.#options.ping(call.signal));
    const chosen = ["bearer", "basic"].flatMap((scheme) =>
      challenges.filter((challenge) => challenge.scheme === scheme),
    )[0];
    if (chosen) return chosen;
    const offered = challenges.map(({ scheme }) => scheme).join(", ");
    throw new RegistryError("UNAUTHORIZED", `${response.url.host} offers no way to log in that is known here`, {
      url: response.url,
      status: response.status,
      hint: offered ? `it offers ${offered}; Bearer and Basic are known` : "its answer has no WWW-Authenticate header",
    });
  }
}

function basicFor(credential: Credential | undefined): string | undefined {
  return credential?.type === "password" ? basicHeader(credential.username, credential.password) : undefined;
}

function unauthorized(
  response: TransportResponse,
  { registry }: CallIdentity,
  credential: Credential | undefined,
): RegistryError {
  return new RegistryError(
    "UNAUTHORIZED",
    `${response.url.host} wants to know who is asking for ${response.url.pathname}`,
    {
      url: response.url,
      status: response.status,
      hint: authenticationHint(registry, credential),
    },
  );
}
