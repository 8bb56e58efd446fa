import type { RootfsMount } from "./rootfs.ts";

/**
 * One .dockerignore-language rule, compiled by `builder/dockerfile/dockerignore.ts`, matched natively during the walk.
 * A rule matches a path when it matches the path itself or one of its parents.
 */
export interface IgnoreRule {
  /** `!pattern`: takes the path back in. */
  readonly negated: boolean;
  /** How `text` matches the whole path, relative to the root, without a leading slash. `regexp` is anchored by the matcher. */
  readonly kind: "exact" | "prefix" | "suffix" | "regexp";
  readonly text: string;
}

/** Files to read: a directory or a stacked root, without what the rules ignore. */
export interface TreeSource {
  readonly rootfs: RootfsMount;
  readonly ignore?: readonly IgnoreRule[];
  /** A local context: owners on disk do not count, everything is 0:0 (BuildKit zeroes them on the client). */
  readonly isContext?: boolean;
}

/** What a COPY takes from a source. Paths are cleaned, absolute inside the source. */
export interface TreeSelection {
  readonly source: TreeSource;
  /** Literal paths, or Go filepath.Match patterns when `wildcards`. A literal that is missing is NOT_FOUND; a pattern without a match is nothing. */
  readonly paths: readonly string[];
  readonly wildcards: boolean;
  /** `--exclude`, relative to each source path. */
  readonly exclude?: readonly IgnoreRule[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What a FileOp does, in order, on one writable root. Every path is resolved inside the root, symlinks too (openat2, RESOLVE_IN_ROOT). */
export type FileAction =
  | {
      /** WORKDIR: the directory and its missing parents. An existing directory is left as it is. */
      readonly type: "mkdir";
      readonly path: string;
      readonly mode: number;
      readonly owner: Owner;
    }
  | {
      readonly type: "mkfile";
      readonly path: string;
      readonly mode: number;
      readonly owner: Owner;
      readonly data: Uint8Array;
    }
  | {
      /**
       * COPY. A directory's contents are copied, not the directory; a file goes into `dest` when `dest` ends in `/`, is an
       * existing directory, or several things are copied. Missing parents are 0755 with `owner`.
       */
      readonly type: "copy";
      readonly selection: TreeSelection;
      readonly dest: string;
      /** Default: the source's own owner, 0:0 for a context. */
      readonly owner?: Owner;
      /** `--chmod`, octal. */
      readonly mode?: number;
    };

/** A passwd or group look-up inside a root. */
export interface UserLookup {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** Home directory, where passwd has one. */
  readonly home?: string;
}
