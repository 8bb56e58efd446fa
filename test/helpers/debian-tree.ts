import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandOutput } from "./command.ts";

const SUITE = "bookworm";
/** What differs from one debootstrap to the next, or is of no use in an image. */
const LEFTOVERS = [
  "var/cache/apt",
  "var/lib/apt/lists",
  "var/log",
  "var/cache/ldconfig",
  "etc/machine-id",
  "etc/resolv.conf",
  "etc/hostname",
];

/** A minimal Debian by debootstrap under `work`, with ca-certificates, its apt on this machine's mirror. Needs root. Returns its path. */
export async function makeDebianTree(work: string): Promise<string> {
  const root = join(work, "debian");
  const script = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root, await debianMirror()];
  await commandOutput(script, { timeoutMs: 600_000 });
  for (const path of LEFTOVERS) rmSync(join(root, path), { recursive: true, force: true });
  for (const path of ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log/apt"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  return root;
}

/** This machine's Node and npm, as files that lie on top of a Debian root. Returns the tree's path. */
export async function makeNodeTree(work: string): Promise<string> {
  const root = join(work, "node");
  const bin = join(root, "usr/local/bin");
  mkdirSync(bin, { recursive: true });
  copyFileSync(realpathSync(process.execPath), join(bin, "node"));
  chmodSync(join(bin, "node"), 0o755);
  cpSync(npmFolder(), join(root, "usr/local/lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  return root;
}

/** Where this machine gets `bookworm/main` from. Throws when it has no such source: it is not a Debian 12. */
export async function debianMirror(): Promise<string> {
  const format = "$(RELEASE) $(COMPONENT) $(CREATED_BY) $(SITE)";
  const targets = await commandOutput(["apt-get", "indextargets", "--format", format]);
  const line = targets.split("\n").find((target) => target.startsWith(`${SUITE} main Packages `));
  const site = line?.split(" ")[3];
  if (site === undefined) throw new Error(`apt has no source for ${SUITE} main: the tests need Debian 12`);
  return site;
}

function npmFolder(): string {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const folders = [join(prefix, "lib/node_modules/npm"), "/usr/share/nodejs/npm"];
  const found = folders.find((folder) => existsSync(join(folder, "bin/npm-cli.js")));
  if (found === undefined) throw new Error(`npm is in none of ${folders.join(", ")}`);
  return found;
}
