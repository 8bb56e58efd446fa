import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CpioEntry, cpio } from "./cpio.ts";
import { loadOrder } from "./modules.ts";

/** What the guest's scripts are told, as shell variables. */
export interface Settings {
  readonly REPOSITORY: string;
  readonly NODE: string;
  readonly PATH: string;
  /** As whom the tests run, in this order: words of test/run.ts's `--as`. */
  readonly RUNS: string;
  /** Which test files run as root, and as the user: words. None: those that test/run.ts runs as the user by itself. */
  readonly ROOT_FILTERS: string;
  readonly USER_FILTERS: string;
  readonly TSBUILD_TEST_SLOWDOWN: string;
}

/** For the machine itself, for stores and their quotas, and for the networks that tests make. */
const MODULES = [
  ...["virtio_pci", "virtio_blk", "virtiofs", "overlay", "quota_v2", "loop", "fuse"],
  ...["tun", "veth", "bridge", "sch_tbf", "sch_htb", "sch_fq_codel"],
  ...["nf_tables", "nft_chain_nat", "nft_masq", "nft_ct", "nft_reject_inet"],
];

const DIRECTORIES = ["bin", "proc", "sys", "dev", "host", "own", "root", "modules"];

/** The guest's first filesystem: busybox, the modules of a kernel, and the guest's scripts. */
export function makeInitramfs(modulesDirectory: string, settings: Settings): Buffer {
  const modules = loadOrder(modulesDirectory, MODULES);
  const order = modules.map(({ name }) => `${name}\n`).join("");
  return cpio([
    ...DIRECTORIES.map((path): CpioEntry => ({ path, type: "directory" })),
    file("bin/busybox", readFileSync("/bin/busybox"), true),
    file("init", script("init"), true),
    file("guest.sh", script("guest.sh")),
    file("settings", Buffer.from(shellVariables({ ...settings }))),
    file("modules/order", Buffer.from(order)),
    ...modules.map(({ name, content }) => file(`modules/${name}`, content)),
  ]);
}

function file(path: string, content: Uint8Array, executable = false): CpioEntry {
  return { path, type: "file", content, executable };
}

function script(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, "guest", name));
}

function shellVariables(variables: Readonly<Record<string, string>>): string {
  const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join("");
}
