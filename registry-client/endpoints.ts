import { isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";
import type { Remote } from "./session.ts";

/** A place where a repository's content can be had. */
export interface PullEndpoint extends Remote {
  readonly isMirror: boolean;
  /** What may be asked here, as registries.conf says. */
  readonly accepts: "all" | "digest-only" | "tag-only";
}

/**
 * The places of one repository, mirrors first. The one that answered last is asked first the next time, so that a mirror
 * which is down or lacks the image costs one failure and not one a blob.
 */
export class PullEndpoints {
  readonly #name: string;
  readonly #endpoints: readonly PullEndpoint[];
  #preferred: PullEndpoint | undefined;

  constructor(name: string, endpoints: readonly PullEndpoint[]) {
    this.#name = name;
    this.#endpoints = endpoints;
  }

  /** The first success. When all fail: the last one's error, which is the registry's own, naming each endpoint's reason. */
  async firstSuccess<T>(
    reference: string,
    signal: AbortSignal | undefined,
    attempt: (remote: Remote) => Promise<T>,
  ): Promise<T> {
    const failures: Failure[] = [];
    for (const endpoint of this.candidates(reference)) {
      try {
        const result = await attempt(endpoint);
        this.#preferred = endpoint;
        return result;
      } catch (error) {
        if (signal?.aborted || !(error instanceof RegistryError)) throw error;
        failures.push({ endpoint, error });
      }
    }
    throw combined(this.#name, failures);
  }

  /** The endpoints that may be asked for a tag or digest, in order. */
  candidates(reference: string): readonly PullEndpoint[] {
    const refused = isDigest(reference) ? "tag-only" : "digest-only";
    const allowed = this.#endpoints.filter((endpoint) => endpoint.accepts !== refused);
    const first = this.#preferred;
    if (!first || !allowed.includes(first)) return allowed;
    return [first, ...allowed.filter((endpoint) => endpoint !== first)];
  }
}

interface Failure {
  readonly endpoint: PullEndpoint;
  readonly error: RegistryError;
}

function combined(name: string, failures: readonly Failure[]): RegistryError {
  const last = failures.find(({ endpoint }) => !endpoint.isMirror) ?? failures.at(-1);
  if (!last) return new RegistryError("REGISTRY_BLOCKED", `registries.conf lets ${name} be asked nowhere`);
  if (failures.length === 1) return last.error;
  const { code, hint, status, retryAt } = last.error;
  const reasons = failures.map(({ endpoint, error }) => `${endpoint.session.registry}: ${error.message}`).join("; ");
  const cause = new AggregateError(failures.map(({ error }) => error));
  return new RegistryError(code, `${name}: ${reasons}`, { hint, status, retryAt, cause });
}
