import type { Descriptor, Digest } from "../../registry-client/index.ts";
import type { FileMode, IgnoreRule, Owner, TreeInclude } from "../../runtime-core/index.ts";
import type { GitReference } from "../dockerfile/index.ts";

/** One operation of the graph: plain data. What it does is in `builder/ops`, behind one exhaustive switch. */
export type Op = ScratchOp | ImageOp | LocalOp | HttpOp | GitOp | ExecOp | FileOp | MergeOp;

/** The empty root. */
export interface ScratchOp {
  readonly type: "scratch";
}

/** A base image, resolved: the manifest's digest is the identity, the reference is for people. */
export interface ImageOp {
  readonly type: "image";
  /** `docker.io/library/busybox:latest`, or the path of an OCI layout. */
  readonly reference: string;
  readonly manifest: Descriptor;
  readonly source: ImageSource;
}

/** Where the image's blobs come from. */
export type ImageSource =
  | { readonly type: "store" }
  | { readonly type: "registry" }
  | { readonly type: "oci-layout"; readonly path: string };

/** Files in place: the build context, or a named one. */
export interface LocalOp {
  readonly type: "local";
  /** `context` for the main one. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly ignore: readonly IgnoreRule[];
}

/** A file at an HTTP address: the only one of its root, mode 0600, owned by root. */
export interface HttpOp {
  readonly type: "http";
  readonly url: string;
  /** Its name in the root. */
  readonly filename: string;
  /** What its bytes must be. */
  readonly checksum?: Digest;
}

/** The files of a commit of a remote repository. */
export interface GitOp {
  readonly type: "git";
  readonly reference: GitReference;
}

/** RUN. Input 0 is the root it changes. */
export interface ExecOp {
  readonly type: "exec";
  readonly argv: readonly string[];
  /** `NAME=value`, in the order of the image config, then build args; last SSH_AUTH_SOCK of an ssh mount. */
  readonly env: readonly string[];
  /** Predefined proxy arguments: given to the step, not part of the cache key. */
  readonly proxyEnv: readonly string[];
  readonly cwd: string;
  /** As USER wrote it; "" is root. */
  readonly user: string;
  readonly network: "default" | "none" | "host";
  /** `insecure`: with all that the caller may do. Absent: in the sandbox. */
  readonly security?: "insecure";
  readonly hostname: string;
  /** What is mounted while the command runs; the mount points leave no trace. Absent: nothing. */
  readonly mounts?: readonly ExecMount[];
}

/** `RUN --mount`, and `/dev/pipes` of a script given as a heredoc. `target` is absolute inside the root. */
export type ExecMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

/** Files of an input. What is written to it is thrown away. */
export interface BindMount {
  readonly type: "bind";
  /** Index of the input that is mounted: 1 or more. */
  readonly input: number;
  /** Absolute inside the input. */
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** A directory of the store that outlives the build. */
export interface CacheMount {
  readonly type: "cache";
  readonly target: string;
  readonly readonly: boolean;
  /** With the namespace of `BUILDKIT_CACHE_MOUNT_NS`. */
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  /** How a new one begins: a copy of files of an input, else an empty directory. */
  readonly initial:
    | { readonly type: "copy"; readonly input: number; readonly source: string }
    | { readonly type: "empty"; readonly uid: number; readonly gid: number; readonly mode: number };
}

export interface TmpfsMount {
  readonly type: "tmpfs";
  readonly target: string;
  readonly readonly: boolean;
  /** Absent: the kernel's own limit. */
  readonly sizeBytes?: number;
}

/** A secret of the build, as a file, in a variable, or both. */
export interface SecretMount {
  readonly type: "secret";
  readonly id: string;
  readonly target?: string;
  /** Name of the variable. */
  readonly env?: string;
  /** A build without the secret fails; else the step goes without it. */
  readonly required: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** The socket of an SSH agent. */
export interface SshMount {
  readonly type: "ssh";
  readonly id: string;
  readonly target: string;
  readonly required: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** COPY, ADD, WORKDIR. Input 0 is the root it changes; further inputs are read. */
export interface FileOp {
  readonly type: "file";
  readonly actions: readonly FileOpAction[];
}

/** `COPY --link`: the layer that input 1 is, a file op on scratch, on top of input 0, whatever is there. */
export interface MergeOp {
  readonly type: "merge";
}

export type FileOpAction =
  | {
      readonly type: "mkdir";
      readonly path: string;
      readonly mode: number;
      /** As USER or --chown wrote it: names are looked up in the root of input 0. */
      readonly owner?: string;
    }
  | {
      readonly type: "mkfile";
      readonly path: string;
      readonly mode: number;
      readonly data: string;
      readonly owner?: string;
    }
  | {
      readonly type: "copy";
      /** Index of the input that is read: 1 or more. */
      readonly input: number;
      readonly paths: readonly string[];
      readonly wildcards: boolean;
      readonly dest: string;
      readonly exclude?: readonly IgnoreRule[];
      /** `--parents`. */
      readonly include?: TreeInclude;
      readonly owner?: string;
      readonly mode?: FileMode;
      /** ADD: a file that is an archive is unpacked. */
      readonly unpack?: boolean;
    };

export type { Owner };
