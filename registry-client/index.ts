export type { Credential, CredentialScope, CredentialStore } from "./auth/credentials.ts";
export { anonymous, chainCredentials, staticCredentials } from "./auth/credentials.ts";
export { dockerConfigCredentials, systemCredentials } from "./auth/docker-config.ts";
export type { RegistryClientOptions } from "./client.ts";
export { RegistryClient } from "./client.ts";
export { fromBytes, fromFile, fromStorage } from "./content.ts";
export type { CopyGraphOptions, CopyOptions, CopyProgress } from "./copy.ts";
export { copy, copyGraph } from "./copy.ts";
export type { Digest, DigestAlgorithm } from "./digest.ts";
export { digestAlgorithm, digestBytes, digestHex, isDigest, parseDigest } from "./digest.ts";
export {
  fetchBytes,
  fetchImageConfig,
  fetchIndex,
  fetchManifest,
  maxConfigBytes,
  maxManifestBytes,
  parseImageConfig,
  parseIndex,
  parseManifest,
  sniffMediaType,
} from "./documents.ts";
export type { RegistryErrorCode, RegistryErrorOptions } from "./errors.ts";
export { isNotFound, RegistryError, redactUrl } from "./errors.ts";
export type { HostEndpoint, HostEndpoints, HostResolver } from "./hosts.ts";
export { registriesConfHosts, systemHosts } from "./hosts.ts";
export type { Concurrency } from "./http/concurrency.ts";
export { HttpTransport } from "./http/http-transport.ts";
export type { RetryPolicy } from "./http/retry.ts";
export { defaultRetryPolicy, isTransientStatus, parseRetryAfter, withRetry } from "./http/retry.ts";
export { listTags } from "./layout/index-file.ts";
export type { Durability } from "./layout/ingest.ts";
export type { OpenLayoutOptions } from "./layout.ts";
export { OciLayout } from "./layout.ts";
export {
  bareMediaType,
  isIndexType,
  isManifestOrIndexType,
  isManifestType,
  isNondistributableType,
} from "./media-type.ts";
export { MemoryTarget } from "./memory.ts";
export type {
  ContainerConfig,
  Descriptor,
  Healthcheck,
  History,
  ImageConfig,
  Index,
  Manifest,
  Platform,
} from "./oci.ts";
export { MediaType } from "./oci.ts";
export { formatPlatform, hostPlatform, normalizePlatform, parsePlatform, selectPlatform } from "./platform.ts";
export type { ParseReferenceOptions } from "./reference.ts";
export { isTag, Reference } from "./reference.ts";
export { referenceProblem } from "./reference-problem.ts";
export { Repository } from "./repository.ts";
export type {
  ByteStream,
  CallOptions,
  ContentSource,
  ExistsOptions,
  PushOptions,
  ReadonlyStorage,
  ReadonlyTarget,
  Storage,
  Target,
} from "./storage.ts";
export { successors } from "./successors.ts";
export type {
  HttpTransportOptions,
  RequestBody,
  ResponseHeaders,
  Transport,
  TransportRequest,
  TransportResponse,
} from "./transport.ts";
export { verifyBytes, verifyStream } from "./verify.ts";
