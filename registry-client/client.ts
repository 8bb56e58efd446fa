import type { CredentialStore } from "./auth/credentials.ts";
import { systemCredentials } from "./auth/docker-config.ts";
import { TokenCache } from "./auth/token.ts";
import { PullEndpoints } from "./endpoints.ts";
import { type HostEndpoint, type HostResolver, systemHosts } from "./hosts.ts";
import type { Concurrency } from "./http/concurrency.ts";
import { HttpTransport } from "./http/http-transport.ts";
import { defaultRetryPolicy, type RetryPolicy } from "./http/retry.ts";
import { Reference } from "./reference.ts";
import { Repository, type RepositoryEndpoints } from "./repository.ts";
import { HostSession, type Remote } from "./session.ts";
import type { Transport } from "./transport.ts";

export interface RegistryClientOptions {
  /** Default: what `docker login` and `podman login` stored. */
  readonly credentials?: CredentialStore;
  /** Default: the system's registries.conf. */
  readonly hosts?: HostResolver;
  readonly transport?: Transport;
  readonly retry?: Partial<RetryPolicy>;
  readonly concurrency?: Partial<Concurrency>;
  readonly userAgent?: string;
  /** Told once of each warning that a registry sends for people to read. */
  readonly onWarning?: (message: string) => void;
  /** Where configuration is looked up. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The registries as one process sees them. Make one and keep it: connections, tokens, places a host and uploads under way
 * are shared by all repositories that come from it.
 */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #credentials: CredentialStore;
  readonly #hosts: HostResolver;
  readonly #tokens: TokenCache;
  readonly #options: RegistryClientOptions;
  readonly #sessions = new Map<string, HostSession>();

  constructor(options: RegistryClientOptions = {}) {
    const env = options.env ?? process.env;
    this.#options = options;
    this.#transport = options.transport ?? new HttpTransport({ env });
    this.#credentials = options.credentials ?? systemCredentials(env);
    this.#hosts = options.hosts ?? systemHosts(env);
    this.#tokens = new TokenCache(this.#transport);
  }

  /** Nothing is asked yet. Throws INVALID_REFERENCE. */
  repository(reference: Reference | string): Repository {
    const parsed = typeof reference === "string" ? Reference.parse(reference) : reference;
    let endpoints: Promise<RepositoryEndpoints> | undefined;
    return new Repository(parsed, () => {
      endpoints ??= this.#endpoints(parsed);
      return endpoints;
    });
  }

  async #endpoints(reference: Reference): Promise<RepositoryEndpoints> {
    const { pull, push } = await this.#hosts.endpoints(reference);
    const sources = pull.map((endpoint) => ({
      ...this.#remote(endpoint),
      isMirror: endpoint.isMirror,
      accepts: endpoint.accepts,
    }));
    return { pull: new PullEndpoints(reference.name, sources), push: this.#remote(push) };
  }

  #remote({ registry, repository, isInsecure }: HostEndpoint): Remote {
    const key = `${registry} ${isInsecure}`;
    const session = this.#sessions.get(key) ?? this.#newSession(registry, isInsecure);
    this.#sessions.set(key, session);
    return { session, repository };
  }

  #newSession(registry: string, isInsecure: boolean): HostSession {
    return new HostSession({
      registry,
      isInsecure,
      transport: this.#transport,
      credentials: this.#credentials,
      tokens: this.#tokens,
      retry: { ...defaultRetryPolicy, ...this.#options.retry },
      concurrency: this.#options.concurrency ?? {},
      userAgent: this.#options.userAgent ?? "tsbuild",
      onWarning: this.#options.onWarning ?? (() => {}),
    });
  }
}
