import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { commandOutput } from "../helpers/command.ts";

/** A kernel package of Debian, unpacked and never installed. */
export interface Kernel {
  readonly release: string;
  readonly image: string;
  /** Its directory of modules and lists of them. */
  readonly modules: string;
}

const META_PACKAGE = "linux-image-cloud-amd64";

/**
 * The kernel of the package file `from`, or else the newest that apt offers for virtual machines. Each is fetched and unpacked below
 * `cache` once.
 */
export async function findKernel(cache: string, from?: string): Promise<Kernel> {
  const name = from === undefined ? await newestPackage() : basename(from, ".deb");
  const place = join(cache, name);
  if (!existsSync(place)) await unpack(cache, place, from === undefined ? { download: name } : { file: from });
  const release = only(join(place, "lib/modules"));
  return { release, image: join(place, "boot", `vmlinuz-${release}`), modules: join(place, "lib/modules", release) };
}

async function newestPackage(): Promise<string> {
  const depends = await commandOutput(["apt-cache", "depends", META_PACKAGE]);
  const name = /^\s*Depends: (linux-image-\S+)$/m.exec(depends)?.[1];
  if (name === undefined)
    throw new Error(`apt knows no ${META_PACKAGE}: run apt-get update, or give --kernel FILE.deb`);
  return name;
}

/** By a folder beside the place, so that an interrupted download is not taken for a kernel. */
async function unpack(
  cache: string,
  place: string,
  source: { readonly download: string } | { readonly file: string },
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "unpacking-"));
  try {
    if ("download" in source) {
      const argv = ["apt-get", "--quiet", "--option=APT::Sandbox::User=root", "download", source.download];
      await commandOutput(argv, { cwd: fresh, timeoutMs: 300_000 });
    }
    const file = "file" in source ? resolve(source.file) : join(fresh, only(fresh));
    await commandOutput(["dpkg-deb", "--extract", file, join(fresh, "tree")]);
    renameSync(join(fresh, "tree"), place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function only(directory: string): string {
  const [name, ...others] = readdirSync(directory);
  if (name === undefined || others.length > 0) throw new Error(`${directory} should hold one thing`);
  return name;
}
