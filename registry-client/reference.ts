import { type Digest, isDigest } from "./digest.ts";
import { RegistryError } from "./errors.ts";

/** Where docker.io's three names differ. */
const dockerHub = { name: "docker.io", host: "registry-1.docker.io", credentialKey: "https://index.docker.io/v1/" };

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domain = String.raw`(?:${domainComponent}(?:\.${domainComponent})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";

const domainPattern = new RegExp(`^${domain}$`);
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[\w][\w.-]{0,127}$/;
const identifierPattern = /^[a-f0-9]{64}$/;

/** Longest name, registry included. */
const maxNameLength = 255;

export interface ParseReferenceOptions {
  /** Given to a name with neither tag nor digest; null leaves it without. Default "latest". */
  readonly defaultTag?: string | null;
}

interface ReferenceParts {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
}

/**
 * The name of an image: `[registry[:port]/]path[:tag][@digest]`, normalised as Docker does (`busybox` is
 * `docker.io/library/busybox:latest`).
 * Reference: github.com/distribution/reference, the grammar in reference.go and normalize.go.
 */
export class Reference {
  /** `docker.io`, `ghcr.io`, `127.0.0.1:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `library/busybox`. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;

  private constructor(parts: ReferenceParts) {
    this.registry = parts.registry;
    this.repository = parts.repository;
    this.tag = parts.tag;
    this.digest = parts.digest;
  }

  /** Throws INVALID_REFERENCE with the reason. Schemes such as `docker://` are no part of a reference. */
  static parse(text: string, options: ParseReferenceOptions = {}): Reference {
    const { rest, digest } = cutDigest(text);
    const { name, tag } = cutTag(rest, text);
    if (identifierPattern.test(name)) throw invalid(text, "64 hexadecimal digits are an image id, not a name");
    const { registry, repository } = splitRegistry(name);
    checkName(registry, repository, text);
    const defaultTag = options.defaultTag === undefined ? "latest" : (options.defaultTag ?? undefined);
    return new Reference({ registry, repository, digest, tag: tag ?? (digest ? undefined : defaultTag) });
  }

  /** The host and port that answer the API: `registry-1.docker.io` for `docker.io`. */
  get host(): string {
    return registryHost(this.registry);
  }

  /** The key under which `docker login` stores this registry's credentials. */
  get credentialKey(): string {
    return credentialKey(this.registry);
  }

  /** What is asked of the registry: the digest where there is one, else the tag; empty when there is neither. */
  get reference(): string {
    return this.digest ?? this.tag ?? "";
  }

  /** Registry and repository, without tag and digest. */
  get name(): string {
    return `${this.registry}/${this.repository}`;
  }

  /** The same repository with this tag and no digest. */
  withTag(tag: string): Reference {
    if (!tagPattern.test(tag)) throw invalid(tag, "invalid tag");
    return new Reference({ registry: this.registry, repository: this.repository, tag });
  }

  /** The same name and tag, pinned to a digest. */
  withDigest(digest: Digest): Reference {
    return new Reference({ ...this.parts(), digest });
  }

  /** Canonical: everything written out, `docker.io/library/busybox:latest`. */
  toString(): string {
    return `${this.name}${this.suffix()}`;
  }

  /** As people write it: `busybox:latest`. */
  familiar(): string {
    if (this.registry !== dockerHub.name) return this.toString();
    const official = /^library\/([^/]+)$/.exec(this.repository);
    return `${official?.[1] ?? this.repository}${this.suffix()}`;
  }

  private suffix(): string {
    return `${this.tag === undefined ? "" : `:${this.tag}`}${this.digest === undefined ? "" : `@${this.digest}`}`;
  }

  private parts(): ReferenceParts {
    return { registry: this.registry, repository: this.repository, tag: this.tag, digest: this.digest };
  }
}

/** The host and port that answer the API of a registry. */
export function registryHost(registry: string): string {
  return registry === dockerHub.name ? dockerHub.host : registry;
}

/** The key under which `docker login` stores a registry's credentials. */
export function credentialKey(registry: string): string {
  return registry === dockerHub.name ? dockerHub.credentialKey : registry;
}

/** Whether `text` may stand after the colon of a reference. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

function cutDigest(text: string): { readonly rest: string; readonly digest: Digest | undefined } {
  const at = text.indexOf("@");
  if (at < 0) return { rest: text, digest: undefined };
  const digest = text.slice(at + 1);
  if (!isDigest(digest))
    throw invalid(text, "invalid digest", "sha256: and 64 lower-case hexadecimal digits follow the @");
  return { rest: text.slice(0, at), digest };
}

function cutTag(rest: string, text: string): { readonly name: string; readonly tag: string | undefined } {
  const colon = rest.lastIndexOf(":");
  if (colon < 0 || rest.indexOf("/", colon) >= 0) return { name: rest, tag: undefined };
  const tag = rest.slice(colon + 1);
  if (!tagPattern.test(tag)) throw invalid(text, "invalid tag", "a tag has up to 128 letters, digits, _, . and -");
  return { name: rest.slice(0, colon), tag };
}

/** The first component is a registry when it could be no path component of Docker Hub. normalize.go, splitDockerDomain. */
export function splitRegistry(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isRegistry = first === "localhost" || /[.:A-Z]/.test(first);
  if (!isRegistry) return { registry: dockerHub.name, repository: slash < 0 ? `library/${name}` : name };
  const repository = name.slice(slash + 1);
  if (first !== dockerHub.name && first !== "index.docker.io") return { registry: first, repository };
  return { registry: dockerHub.name, repository: repository.includes("/") ? repository : `library/${repository}` };
}

function checkName(registry: string, repository: string, text: string): void {
  if (registry.length + 1 + repository.length > maxNameLength) {
    throw invalid(text, `a name has at most ${maxNameLength} characters`);
  }
  if (!domainPattern.test(registry))
    throw invalid(text, "invalid registry", "a registry is HOST or HOST:PORT, without a scheme");
  if (pathPattern.test(repository)) return;
  if (/[A-Z]/.test(repository)) throw invalid(text, "repository name must be lowercase");
  throw invalid(text, "invalid repository name", "lower-case letters and digits, separated by one of . _ __ - and /");
}

function invalid(text: string, reason: string, hint?: string): RegistryError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return new RegistryError("INVALID_REFERENCE", `invalid reference ${JSON.stringify(shown)}: ${reason}`, { hint });
}
