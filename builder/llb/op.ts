import type { Descriptor } from "../../registry-client/index.ts";
import type { IgnoreRule, Owner } from "../../runtime-core/index.ts";

/** One operation of the graph: plain data. What it does is in `builder/ops`, behind one exhaustive switch. */
export type Op = ScratchOp | ImageOp | LocalOp | ExecOp | FileOp;

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

/** RUN. Input 0 is the root it changes. */
export interface ExecOp {
  readonly type: "exec";
  readonly argv: readonly string[];
  /** `NAME=value`, in the order of the image config, then build args. */
  readonly env: readonly string[];
  /** Predefined proxy arguments: given to the step, not part of the cache key. */
  readonly proxyEnv: readonly string[];
  readonly cwd: string;
  /** As USER wrote it; "" is root. */
  readonly user: string;
  readonly network: "default" | "none" | "host";
  readonly hostname: string;
  /** Further inputs, mounted while the command runs; their mount points leave no trace. Absent: none. */
  readonly mounts?: readonly ExecMount[];
}

/** A read-only bind mount of a directory of an input: `/dev/pipes` of a script given as a heredoc. */
export interface ExecMount {
  /** Index of the input that is mounted: 1 or more. */
  readonly input: number;
  /** Absolute inside the input. */
  readonly source: string;
  /** Absolute inside the root. */
  readonly target: string;
  readonly readonly: true;
}

/** COPY, ADD, WORKDIR. Input 0 is the root it changes; further inputs are read. */
export interface FileOp {
  readonly type: "file";
  readonly actions: readonly FileOpAction[];
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
      readonly owner?: string;
      readonly mode?: number;
    };

export type { Owner };
