export type { Digest, DigestAlgorithm } from "./digest.ts";
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
export type {
  ByteStream,
  CallOptions,
  ContentSource,
  ReadonlyStorage,
  ReadonlyTarget,
  Storage,
  Target,
} from "./storage.ts";
