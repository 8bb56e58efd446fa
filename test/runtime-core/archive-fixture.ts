import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ApplyRequest,
  type ApplyResult,
  applyLayer,
  type PackRequest,
  type PackResult,
  packLayer,
} from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";

/** A date so far ahead that it clamps nothing. */
export const NO_CLAMP = 20_000_000_000;

/** Runs a bash script in `cwd`; anything that fails in it throws. Its output is bytes as characters. */
export function shell(cwd: string, script: string): string {
  return execFileSync("bash", ["-euo", "pipefail", "-c", script], { cwd, encoding: "latin1", maxBuffer: 1 << 28 });
}

/** A fresh directory, filled by a bash script. */
export function makeTree(script: string): string {
  const root = makeTempDir("tree");
  shell(root, `umask 022\n${script}`);
  return root;
}

export type Packed = PackResult & { readonly path: string };

/** Packs `upper`, uncompressed and unclamped unless told otherwise. */
export async function pack(upper: string, options: Partial<PackRequest> = {}): Promise<Packed> {
  const output = options.output ?? join(makeTempDir("blob"), "layer");
  const defaults = { lowers: [], compression: { type: "none" }, sourceDateEpoch: NO_CLAMP } as const;
  const result = await packLayer({ ...defaults, ...options, upper, output });
  return { ...result, path: output };
}

export type Applied = ApplyResult & { readonly path: string };

/** Applies a packed layer into a fresh directory, with everything about it known. */
export async function apply(layer: Packed, options: Partial<ApplyRequest> = {}): Promise<Applied> {
  const target = makeTempDir("layer");
  const { path: blob, digest, sizeBytes, diffId } = layer;
  return { ...(await applyLayer({ blob, target, digest, sizeBytes, diffId, ...options })), path: target };
}

/** Applies bytes as a blob into a fresh directory that lies, as `layer`, beside whatever `outside` planted there. */
export async function applyBytes(bytes: Uint8Array, options: Partial<ApplyRequest> = {}): Promise<Applied> {
  const work = makeTempDir("apply");
  const target = options.target ?? join(work, "layer");
  const blob = join(work, "blob");
  mkdirSync(target, { recursive: true });
  writeFileSync(blob, bytes);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { ...(await applyLayer({ digest, sizeBytes: bytes.length, ...options, blob, target })), path: target };
}

/** One line an entry: type, mode, owner, mtime in seconds, name, target, device, hard link group, content, attributes. */
export function describeTree(root: string): string[] {
  const attributes = attributesOf(root);
  const contents = contentsOf(root);
  const format = "%y\\0%m\\0%U:%G\\0%T@\\0%i\\0%n\\0%l\\0%P\\0\\n";
  const groups = new Map<string, string>();
  return shell(root, `find . -mindepth 1 -printf '${format}'`)
    .split("\0\n")
    .slice(0, -1)
    .map((line) => line.split("\0"))
    .sort((a, b) => (String(a[7]) < String(b[7]) ? -1 : 1))
    .map(([type, mode, owner, mtime, inode = "", links, target, name = ""]) => {
      const first = groups.get(inode) ?? name;
      groups.set(inode, first);
      // A whiteout has no more to it than its name.
      if (contents.get(name) === "0:0") return `whiteout ${name}`;
      const group = type !== "d" && links !== "1" && first !== name ? `=${first}` : "";
      const time = String(mtime).replace(/\..*/, "");
      const extra = [contents.get(name), attributes.get(name)].filter((text) => text !== undefined);
      return [type, mode, owner, time, name, target && `->${target}`, group, ...extra].filter(Boolean).join(" ");
    });
}

/** Names only, with a slash after directories: what most tests compare. */
export function names(root: string): string[] {
  return shell(root, "find . -mindepth 1 \\( -type d -printf '%P/\\n' -o -printf '%P\\n' \\) | LC_ALL=C sort")
    .split("\n")
    .filter(Boolean);
}

/** sha256 of files, device numbers of devices. */
function contentsOf(root: string): Map<string, string> {
  const files = shell(root, "find . -type f -print0 | xargs -0r sha256sum -z").split("\0").filter(Boolean);
  const devices = shell(root, "find . \\( -type c -o -type b \\) -print0 | xargs -0r stat --printf '%t:%T  %n\\0'")
    .split("\0")
    .filter(Boolean);
  return new Map(
    [...files, ...devices].map((line) => [line.slice(line.indexOf("./") + 2), line.slice(0, line.indexOf(" "))]),
  );
}

/** security.capability, user.* and trusted.* of files and directories. */
function attributesOf(root: string): Map<string, string> {
  const text = shell(
    root,
    "find . -mindepth 1 \\( -type f -o -type d \\) -print0 | xargs -0r getfattr -h -d -m - -e hex || true",
  );
  return new Map(
    text
      .split("\n\n")
      .filter((block) => block.startsWith("# file: "))
      .map((block) => block.split("\n"))
      .map(([file = "", ...lines]) => [
        unescapeName(file.slice("# file: ".length)),
        lines.filter(Boolean).sort().join(" "),
      ]),
  );
}

/** getfattr writes unusual bytes as octal escapes. */
function unescapeName(name: string): string {
  return name
    .replace(/^\.\//, "")
    .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
