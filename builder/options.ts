import type { CallOptions, Descriptor, Digest, ImageConfig } from "../registry-client/index.ts";
import type { CgroupLimits, Compression, SandboxLimits, SandboxUsage } from "../runtime-core/index.ts";
import type { SourceRange } from "./dockerfile/source.ts";
import type { OnEvent } from "./events.ts";
import type { FailedStep } from "./failed-step.ts";
import type { SshOptions } from "./ssh/index.ts";

/** What a build is asked to do. Only `context` is required. */
export interface BuildOptions extends CallOptions {
  /**
   * What COPY reads: a directory, a git repository (`https://host/repo.git#ref:subdir`), the URL of an archive, or `-`:
   * `input`, which is an archive of the files or, where it is none, a Dockerfile without any.
   */
  readonly context: string;
  /** Path of the Dockerfile, its URL, or `-`: `input`. Default: `Dockerfile`, else `dockerfile`, in the context. */
  readonly dockerfile?: string;
  /** What `-` names. Default: standard input. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Name of the stage to build. Default: the last. */
  readonly target?: string;
  /** By name, over the defaults of ARG; platform and proxy arguments need no ARG. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Named contexts: a directory, `docker-image://REF`, `oci-layout://PATH[:tag][@digest]`, a git repository or a URL. */
  readonly buildContexts?: Readonly<Record<string, string>>;
  /** References the image is tagged with, in the store and at `push`. */
  readonly tags?: readonly string[];
  /** Added to the image config, over the Dockerfile's own. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Runs every step again. What it gives is kept for later builds. */
  readonly noCache?: boolean;
  /** Names of stages, in any case, that are built as with `noCache`. */
  readonly noCacheFilter?: readonly string[];
  /** The platform that is built for, `linux/arm64`. Default: this machine's. */
  readonly platform?: string;
  /** Asks the registry for each base image's digest even when the store has it. */
  readonly pull?: boolean;
  /** Where the image goes beside the store. */
  readonly outputs?: readonly Output[];
  /** Pushes every tag to its registry. */
  readonly push?: boolean;
  /** Where images, snapshots and the cache are kept. Default: `$TSBUILD_STORE`, else /var/lib/tsbuild for root, else $XDG_DATA_HOME/tsbuild. */
  readonly store?: string;
  /**
   * What fences RUN steps. `chroot` is for containers that may neither make namespaces nor mount: a root of its own and fewer
   * capabilities, and nothing else. Layers are the same. Default `namespaces`.
   */
  readonly isolation?: Isolation;
  /**
   * Network of RUN steps that do not say. `private`: everything but this machine's own loopback, what is link-local and metadata
   * services. Default `private`, and none where this machine gives no private one.
   */
  readonly network?: "none" | "host" | "private";
  /** `HOST[:PORT]`: the only ends that RUN steps reach. Names, `*.name`, addresses and blocks of them. Default: all. */
  readonly allowNet?: readonly string[];
  /** What a Dockerfile may ask for with `RUN --network=host` and `RUN --security=insecure`. `network: "host"` allows the first. Default: neither. */
  readonly allow?: readonly Entitlement[];
  /** A PEM file of certificate authorities that RUN steps trust beside the usual ones; no layer or cache key knows of them. */
  readonly caCerts?: string;
  /** Names that RUN steps find in their /etc/hosts. */
  readonly extraHosts?: readonly ExtraHost[];
  /** Of each RUN step. Default: none. One that this machine cannot enforce is an error before anything runs. */
  readonly limits?: SandboxLimits;
  /** Of all RUN steps that run at the same time, together. Each of them counts one process more than it has. */
  readonly buildLimits?: CgroupLimits;
  /** By the id that `RUN --mount=type=secret` names. */
  readonly secrets?: Readonly<Record<string, Secret>>;
  /** By the id that `RUN --mount=type=ssh` names, `default` where it names none: the socket of an agent, or private keys. */
  readonly ssh?: Readonly<Record<string, SshOptions>>;
  /** No RUN step gains privileges through setuid programs. */
  readonly noNewPrivileges?: boolean;
  /** Seconds since 1970, for everything that is written. Default: the build argument, else `$SOURCE_DATE_EPOCH`, else 315532800 (1980-01-01). */
  readonly sourceDateEpoch?: number;
  /**
   * Files of directories that are contexts get git's two modes, 0644 and 0755 by the owner's execute bit, and directories 0755, in
   * layers and cache keys: the umask of a checkout makes no difference. Members of archives keep theirs. Default false.
   */
  readonly normalizeModes?: boolean;
  /** Of layers. Default gzip. */
  readonly compression?: Compression;
  /**
   * Called with the first RUN that fails, once all others have stopped: its root can still be looked at. The build fails with the
   * step's error afterwards, unless this throws another.
   */
  readonly onError?: (failed: FailedStep) => Promise<void>;
  /** Hears of the progress as it is made. */
  readonly onEvent?: OnEvent;
}

export type Isolation = "namespaces" | "chroot";

/** What a step is given only with leave of the person who builds: BuildKit's names. */
export type Entitlement = "network.host" | "security.insecure";

/** Where a secret comes from. At most 500 KiB. */
export type Secret =
  | { readonly file: string }
  /** A variable of this process; empty when it is not set. */
  | { readonly env: string }
  | { readonly value: string | Uint8Array };

/** `--add-host`. */
export interface ExtraHost {
  readonly host: string;
  /** IPv4 or IPv6, without brackets; or `host-gateway`: this machine's own address, not its loopback. */
  readonly ip: string;
}

/** `--output`: an OCI image layout as a tar archive or a directory, or the files of the target alone. */
export type Output =
  | { readonly type: "oci"; readonly dest: string /** false: a directory. */; readonly tar: boolean }
  | { readonly type: "local"; readonly dest: string };

/** What a build made. */
export interface BuildResult {
  /** The image's manifest. */
  readonly descriptor: Descriptor;
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  /** Full names, `docker.io/library/app:latest`. */
  readonly imageNames: readonly string[];
  readonly warnings: readonly BuildWarning[];
  /** What fenced the steps. */
  readonly isolation: Isolation;
  /** Its RUN steps, those of a stage before those that use it. One that only a cached step stood on may be missing. */
  readonly steps: readonly StepReport[];
}

/** What became of a RUN. */
export interface StepReport {
  /** `[build 2/4] RUN npm ci`. */
  readonly name: string;
  /** The vertex's, as in the events. */
  readonly digest: Digest;
  readonly cached: boolean;
  /** Absent when it was cached. */
  readonly usage?: SandboxUsage;
}

/** What a build was not stopped by. `onEvent` hears of the same with the text that `range` is a place of. */
export interface BuildWarning {
  /** A lint rule's name or a code. */
  readonly code: string;
  readonly message: string;
  /** Where a lint rule is explained. */
  readonly url?: string;
  readonly range?: SourceRange;
}
