import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  applyFileActions,
  type FileAction,
  type TreeSelection,
  type TreeSource,
  type WritableRootfs,
} from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";

/** 1980-01-01, in seconds. */
export const EPOCH = 315532800;

/** What lies at a path: text is a file of mode 0644 with that content. */
export type Planted =
  | string
  | {
      readonly type: "file" | "dir" | "link" | "hardlink" | "fifo" | "char" | "whiteout";
      /** A file's content, a symlink's target, the path a hard link names. */
      readonly text?: string;
      readonly mode?: number;
      readonly owner?: readonly [uid: number, gid: number];
      readonly xattrs?: Readonly<Record<string, string>>;
    };

export function dir(mode: number, owner?: readonly [uid: number, gid: number]): Planted {
  return owner === undefined ? { type: "dir", mode } : { type: "dir", mode, owner };
}

export function link(text: string): Planted {
  return { type: "link", text };
}

/** Makes a directory with these things in it. Parents are made as directories of mode 0755. */
export function plant(things: Readonly<Record<string, Planted>>): string {
  const root = makeTempDir("tree");
  for (const [path, thing] of Object.entries(things)) plantOne(root, path, thing);
  return root;
}

function plantOne(root: string, path: string, thing: Planted): void {
  const {
    type,
    text = "",
    mode,
    owner,
    xattrs = {},
  } = typeof thing === "string" ? { type: "file", text: thing } : thing;
  const at = join(root, path);
  mkdirSync(dirname(at), { recursive: true });
  const make: Record<string, () => void> = {
    file: () => writeFileSync(at, text),
    dir: () => mkdirSync(at, { recursive: true }),
    link: () => symlinkSync(text, at),
    hardlink: () => linkSync(join(root, text), at),
    fifo: () => execFileSync("mkfifo", [at]),
    char: () => execFileSync("mknod", [at, "c", "1", "3"]),
    whiteout: () => execFileSync("mknod", [at, "c", "0", "0"]),
  };
  make[type]?.();
  if (owner !== undefined) chownSync(at, ...owner);
  if (mode !== undefined) chmodSync(at, mode);
  for (const [name, value] of Object.entries(xattrs)) setXattr(at, name, value);
}

/** `value` as it is, or bytes as 0x…; setfattr would call the kernel the same way. */
export function setXattr(path: string, name: string, value: string): void {
  const bytes = value.startsWith("0x") ? `bytes.fromhex("${value.slice(2)}")` : `b"${value}"`;
  execFileSync("python3", ["-c", `import os,sys; os.setxattr(sys.argv[1], sys.argv[2], ${bytes})`, path, name]);
}

/** An extended attribute in hex, or "" where there is none. */
export function getXattr(path: string, name: string): string {
  const script = "import os,sys\ntry: print(os.getxattr(sys.argv[1], sys.argv[2]).hex())\nexcept OSError: print()";
  return execFileSync("python3", ["-c", script, path, name], { encoding: "utf8" }).trim();
}

/** A root with an empty upper over these lowers, lowest first. */
export function writable(...lowers: readonly string[]): WritableRootfs {
  const folder = makeTempDir("root");
  const [upper, work] = [join(folder, "upper"), join(folder, "work")];
  for (const path of [upper, work]) mkdirSync(path);
  return { lowers, upper, work };
}

/** A local context: owners on disk do not count. */
export function context(things: Readonly<Record<string, Planted>>): TreeSource {
  return { rootfs: { lowers: [plant(things)] }, isContext: true };
}

/** A root of another stage. */
export function stage(things: Readonly<Record<string, Planted>>): TreeSource {
  return { rootfs: { lowers: [plant(things)] } };
}

export function select(source: TreeSource, ...paths: readonly string[]): TreeSelection {
  return { source, paths, wildcards: false };
}

export type CopyAction = Extract<FileAction, { type: "copy" }>;

/** COPY `paths` of `source` to `dest`. */
export async function copy(
  rootfs: WritableRootfs,
  selection: TreeSelection,
  dest: string,
  more: Partial<Pick<CopyAction, "owner" | "mode">> = {},
): Promise<void> {
  await applyFileActions(rootfs, [{ type: "copy", selection, dest, ...more }], { sourceDateEpoch: EPOCH });
}

/** Everything below a directory, `path` to `type mode uid:gid` and what is in it; sorted. Symlinks are not followed. */
export function listing(root: string): Record<string, string> {
  const paths = below(root, "").sort();
  return Object.fromEntries(paths.map((path) => [path, describe(root, path)]));
}

function below(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...below(root, path)] : [path];
  });
}

function describe(root: string, path: string): string {
  const at = join(root, path);
  const stat = lstatSync(at);
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
  const owner = `${stat.uid}:${stat.gid}`;
  if (stat.isSymbolicLink()) return `link ${owner} ${readlinkSync(at)}`;
  if (stat.isDirectory()) return `dir ${mode} ${owner}`;
  if (stat.isFile()) return `file ${mode} ${owner} ${readFileSync(at, "utf8")}`;
  return `${stat.isFIFO() ? "fifo" : stat.isCharacterDevice() ? "char" : "other"} ${mode} ${owner}`;
}
