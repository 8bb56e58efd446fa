import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What a module is called by the kernel, and what insmod(8) gives to it. */
export interface Module {
  readonly name: string;
  readonly content: Buffer;
}

/** What decompresses a module file to its standard output, by the ending of its name. */
const DECOMPRESSORS: Readonly<Record<string, readonly string[]>> = { xz: ["xz"], zst: ["zstd"] };

/**
 * The modules `wanted` and all that they depend on, each after its dependencies; what the kernel has built in is left out. Read from the
 * modules themselves, since modules.dep is made when a kernel is installed. Throws for one that the kernel does not have.
 */
export function loadOrder(directory: string, wanted: readonly string[]): readonly Module[] {
  const files = moduleFiles(directory);
  const builtIn = new Set(lines(join(directory, "modules.builtin")).map(moduleName));
  const order = new Map<string, Module>();
  const add = (name: string): void => {
    if (builtIn.has(name) || order.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new Error(`this kernel has no module ${name}`);
    const content = read(file);
    dependencies(content).forEach(add);
    order.set(name, { name, content });
  };
  wanted.forEach(add);
  return [...order.values()];
}

function moduleFiles(directory: string): Map<string, string> {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => /\.ko(\.(xz|zst))?$/.test(path));
  return new Map(files.map((path) => [moduleName(path), join(directory, path)]));
}

/** File names write "-" or "_" as they please. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

function read(file: string): Buffer {
  const [program, ...args] = DECOMPRESSORS[/\.ko\.(\w+)$/.exec(file)?.[1] ?? ""] ?? [];
  if (program === undefined) return readFileSync(file);
  return execFileSync(program, [...args, "--decompress", "--stdout", file], { maxBuffer: 1 << 28 });
}

/** The `depends=` of section .modinfo: names between commas, ended by a zero byte. */
function dependencies(content: Buffer): string[] {
  const key = Buffer.from("\0depends=");
  const at = content.indexOf(key);
  if (at < 0) return [];
  const start = at + key.length;
  const names = content.toString("latin1", start, content.indexOf(0, start)).split(",");
  return names.filter((name) => name !== "").map(moduleName);
}

function lines(file: string): string[] {
  return readFileSync(file, "utf8").split("\n");
}
