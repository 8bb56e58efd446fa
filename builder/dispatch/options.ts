import type { CallOptions, Descriptor, ImageConfig, Platform } from "../../registry-client/index.ts";
import type { IgnoreRule } from "../../runtime-core/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { Linter } from "../lint/index.ts";
import type { Edge, ImageSource } from "../llb/index.ts";
import type { StageObserver } from "./observer.ts";

/** What turns a Dockerfile into a graph, beside its text. */
export interface DispatchOptions extends CallOptions {
  /** Name of the stage to build, in any case. Default: the last. */
  readonly target?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Set on the image over the Dockerfile's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly buildPlatform: Platform;
  readonly targetPlatform: Platform;
  /** The target platform was asked for: the image says that it is for it, whatever its base image says. */
  readonly isPlatformGiven?: boolean;
  /** RUN, COPY and ADD are not looked up in the cache. */
  readonly noCache: boolean;
  /** Host name inside RUN. `--build-arg BUILDKIT_SANDBOX_HOSTNAME` overrides it. Default `buildkitsandbox`. */
  readonly hostname?: string;
  /** Stages whose RUN, COPY and ADD are not looked up in the cache, in lower case. Default: none. */
  readonly noCacheStages?: ReadonlySet<string>;
  /** Collects what the checks find. Default: one with the Dockerfile's own options. */
  readonly linter?: Linter;
  readonly observer?: StageObserver;
  /** Every stage is dispatched, also those the target does not need. */
  readonly allStages?: boolean;
  readonly context: ContextFiles;
  /** `--build-context`, by name: they stand for stages and images of that name. */
  readonly namedContexts: Readonly<Record<string, NamedContext>>;
  /** Reference → manifest and config, of a registry or the store. Throws BuildError BASE_IMAGE_NOT_FOUND. */
  readonly resolveImage: (reference: string, options: ResolveImageOptions) => Promise<ResolvedImage>;
}

export type ContextFiles = LocalContext | FetchedContext;

/** Files in place. */
export interface LocalContext {
  /** Absolute. */
  readonly path: string;
  readonly ignore: readonly IgnoreRule[];
}

/** Files that a vertex yields: of a git repository, a URL, an archive. No .dockerignore applies to them. */
export interface FetchedContext {
  readonly root: Edge;
  readonly ignore: readonly [];
}

export type NamedContext =
  | ({ readonly type: "local" } & LocalContext)
  | ({ readonly type: "fetched" } & FetchedContext)
  /** `docker-image://scratch`. */
  | { readonly type: "scratch" }
  | {
      /** `docker-image://REF` and `oci-layout://PATH`: only who made it knows how to find it. */
      readonly type: "image";
      readonly resolve: (options: ResolveImageOptions) => Promise<ResolvedImage>;
    };

export interface ResolveImageOptions extends CallOptions {
  readonly platform: Platform;
  /** The word that names it. */
  readonly range?: SourceRange;
}

/** An image whose manifest and config are known; its layers need not be here yet. */
export interface ResolvedImage {
  /** `docker.io/library/busybox:latest`, or the path of an OCI layout. */
  readonly reference: string;
  readonly manifest: Descriptor;
  readonly source: ImageSource;
  readonly config: ImageConfig;
}
