import type { TreeAction, TreeChoice, TreeFiles } from "#binding";
import { callCancellable } from "./native.ts";
import { type RootfsMount, toLayers, type WritableRootfs } from "./rootfs.ts";
import type { StatIndex } from "./stat-index.ts";

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
  /** Modes are git's two, 0644 and 0755, by the owner's execute bit; directories 0755. */
  readonly normalizeModes?: boolean;
}

/** What a COPY takes from a source. Paths are cleaned, absolute inside the source. */
export interface TreeSelection {
  readonly source: TreeSource;
  /** Literal paths, or Go filepath.Match patterns when `wildcards`. A literal that is missing is NOT_FOUND; a pattern without a match is nothing. */
  readonly paths: readonly string[];
  readonly wildcards: boolean;
  /** `--exclude`, relative to each source path. */
  readonly exclude?: readonly IgnoreRule[];
  /** `--parents`: of a directory only what this takes, relative to it, with the directories that lie above it. */
  readonly include?: TreeInclude;
}

/** The paths below a directory that a copy is limited to. */
export interface TreeInclude {
  /** As ignore rules match: what one matches is taken, with all that is below it. */
  readonly rules: readonly IgnoreRule[];
  /** Match every directory that something taken may lie in: no other one is looked into. */
  readonly ancestors: readonly IgnoreRule[];
  /** Literal paths, absolute inside the source, that must be there: NOT_FOUND otherwise. */
  readonly required: readonly string[];
}

/** Permissions, as a number, or as changes in order to those that a file has: chmod(1). */
export type FileMode = number | readonly ModeChange[];

/** One change of a symbolic mode. `bits` are those that it may touch. */
export type ModeChange =
  | { readonly op: "set" | "clear"; readonly bits: number }
  /** `X`: for directories, and for what somebody could execute before the first change. */
  | { readonly op: "set-if-executable"; readonly bits: number }
  /** `g=u`, `g+u`, `g-u`: the permissions of the class whose bits begin at `shift`, given to or taken from others. */
  | { readonly op: "copy" | "copy-set" | "copy-clear"; readonly shift: 0 | 3 | 6; readonly bits: number };

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
       * COPY. A directory's contents are copied, not the directory; a file goes into `dest` when `dest` ends in `/` or is an
       * existing directory. Missing parents get `owner`, and `mode` where it is a number, else 0755.
       */
      readonly type: "copy";
      readonly selection: TreeSelection;
      readonly dest: string;
      /** Default: the source's own owner, 0:0 for a context. */
      readonly owner?: Owner;
      /** `--chmod`. */
      readonly mode?: FileMode;
      /**
       * ADD: a file that is an archive by its content is unpacked into `dest`, a directory then. `owner` is that of all
       * members, `mode` does not apply to them.
       */
      readonly unpack?: boolean;
    };

/** A passwd or group look-up inside a root. */
export interface UserLookup {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** Home directory, where passwd has one. */
  readonly home?: string;
}

/** Last argument of every call. */
interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a selection holds, in one digest. */
export interface SelectionDigest {
  /** `sha256:…` over names, types, modes, owners, links, file capabilities and bytes; no times. */
  readonly digest: string;
  readonly entries: number;
  /** Of file contents. */
  readonly bytes: number;
}

/**
 * Digests what a COPY would take: equal digests mean equal copies, whatever the order on disk, the times and the threads.
 * Files of a context that `index` knows are not read; what is read is noted in it. It never changes a digest.
 * Throws NOT_FOUND (`subject`: the literal path as asked), BAD_PATTERN, SOURCE_CHANGED.
 */
export async function digestSelection(
  selection: TreeSelection,
  { signal, index }: CallOptions & { readonly index?: StatIndex } = {},
): Promise<SelectionDigest> {
  return callCancellable(signal, (native, cancel) => native.treeDigest(toChoice(selection), index, cancel));
}

/**
 * Does `actions` in order on one writable root. What they create gets `sourceDateEpoch` (seconds) as its mtime.
 * After a failure the root is half written: throw it away.
 * Throws NOT_FOUND and BAD_PATTERN as `digestSelection`, CONFLICT (a directory over something else or the reverse),
 * SEVERAL_SOURCES (two files for one name), NO_SPACE, SOURCE_CHANGED.
 */
export async function applyFileActions(
  rootfs: WritableRootfs,
  actions: readonly FileAction[],
  options: CallOptions & { readonly sourceDateEpoch: number },
): Promise<void> {
  await callCancellable(options.signal, (native, cancel) =>
    native.treeApply(toLayers(rootfs), actions.map(toAction), options.sourceDateEpoch, cancel),
  );
}

/**
 * USER: `name`, `uid`, `name:group`, `uid:gid`, or "" for root, looked up in the root's own passwd and group files.
 * A group that is named leaves no supplementary ones; a uid without an entry has gid 0.
 * Throws USER_NOT_FOUND, GROUP_NOT_FOUND.
 */
export async function lookupUser(rootfs: RootfsMount, user: string, options: CallOptions = {}): Promise<UserLookup> {
  return callCancellable(options.signal, (native, cancel) => native.treeUser(toLayers(rootfs), user, cancel));
}

/**
 * `--chown`: `55` is 55:55, `name` its uid and primary group, `:group` root with that group; `root` is 0 without a look-up.
 * Throws USER_NOT_FOUND, GROUP_NOT_FOUND, the name as `subject`.
 */
export async function lookupOwner(rootfs: RootfsMount, spec: string, options: CallOptions = {}): Promise<Owner> {
  return callCancellable(options.signal, (native, cancel) => native.treeOwner(toLayers(rootfs), spec, cancel));
}

/** Names in a directory, sorted, without those that are ignored. Empty when there is no such directory. */
export async function listDirectory(source: TreeSource, path: string, options: CallOptions = {}): Promise<string[]> {
  return callCancellable(options.signal, (native, cancel) => native.treeList(toFiles(source), path, cancel));
}

/** A regular file of a root. Throws NOT_FOUND, NOT_A_FILE, and TOO_LARGE above `maxBytes`. */
export async function readFile(
  source: RootfsMount,
  path: string,
  maxBytes: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  return callCancellable(options.signal, (native, cancel) => native.treeRead(toLayers(source), path, maxBytes, cancel));
}

/**
 * Merges a root's files into `dest`, a directory of the host, made if it is missing. Owners stay as they are when root
 * exports; root of a user namespace is an ordinary user, who gets everything. mtimes above `sourceDateEpoch` (seconds)
 * become it. A symlink in `dest` is replaced, never followed.
 * Throws CONFLICT when a file would replace a directory, NO_SPACE.
 */
export async function exportTree(
  source: RootfsMount,
  dest: string,
  options: CallOptions & { readonly sourceDateEpoch: number },
): Promise<void> {
  await callCancellable(options.signal, (native, cancel) =>
    native.treeExport(toLayers(source), dest, options.sourceDateEpoch, cancel),
  );
}

/**
 * Puts the files of `layer` into `dest` too, both directories of the host on one filesystem: regular files as hard links.
 * `layer` is one that was written without lowers, and neither is written to again.
 */
export async function graftLayer(layer: string, dest: string, options: CallOptions = {}): Promise<void> {
  await callCancellable(options.signal, (native, cancel) => native.treeGraft(layer, dest, cancel));
}

/** Bytes of the regular files in a directory of the host, holes included; several names of one file count once. */
export async function contentSize(path: string, options: CallOptions = {}): Promise<number> {
  return callCancellable(options.signal, (native, cancel) => native.treeContentSize(path, cancel));
}

/** What a tree takes on the disk. */
export interface TreeUsage {
  /** Of the directory itself and of all files with one name. */
  readonly ownBytes: number;
  /** Files with several names, which another tree may have too, once each. */
  readonly linked: readonly { readonly inode: string; readonly bytes: number }[];
}

/** What a directory takes on the disk, holes not counted. It may be changed meanwhile. Throws NOT_FOUND. */
export async function diskUsageOf(path: string, options: CallOptions = {}): Promise<TreeUsage> {
  return callCancellable(options.signal, (native, cancel) => native.treeDiskUsage(path, cancel));
}

/**
 * Removes an absolute path with all that is below; a symlink itself, not what it leads to. A missing path is no error.
 * Throws MOUNTED when something is mounted in it.
 */
export async function removeTree(path: string, options: CallOptions = {}): Promise<void> {
  await callCancellable(options.signal, (native, cancel) => native.treeRemove(path, cancel));
}

function toFiles(source: TreeSource): TreeFiles {
  return {
    rootfs: toLayers(source.rootfs),
    ignore: [...(source.ignore ?? [])],
    isContext: source.isContext ?? false,
    normalizeModes: source.normalizeModes ?? false,
  };
}

function toChoice(selection: TreeSelection): TreeChoice {
  const { exclude, include } = selection;
  return {
    source: toFiles(selection.source),
    paths: [...selection.paths],
    wildcards: selection.wildcards,
    exclude: [...(exclude ?? [])],
    include: [...(include?.rules ?? [])],
    ancestors: [...(include?.ancestors ?? [])],
    required: [...(include?.required ?? [])],
  };
}

function toAction(action: FileAction): TreeAction {
  if (action.type !== "copy") return action;
  const { mode, selection, ...rest } = action;
  return { ...rest, selection: toChoice(selection), ...toMode(mode) };
}

function toMode(mode: FileMode | undefined): Pick<TreeAction, "mode" | "modeChanges"> {
  if (mode === undefined) return {};
  return typeof mode === "number" ? { mode } : { modeChanges: [...mode] };
}
