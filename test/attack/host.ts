import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { mounts } from "../helpers/mounts.ts";
import { makeTempDir } from "../helpers/temp.ts";

/** What a step would change on the machine, were it to get out: bait that anybody may read and write, and things that nobody should. */
export class Host {
  /** A directory that anybody may write, with `file`, which holds `secret`, and `empty`. */
  readonly bait: string = makeTempDir("bait");
  readonly secret: string = `bait-${randomBytes(16).toString("hex")}`;
  /** Name of a socket in the abstract namespace, without its NUL. */
  readonly abstractSocket: string = `tsbuild-bait-${randomBytes(8).toString("hex")}`;
  readonly #servers: Server[] = [];
  #port = 0;
  #connections = 0;
  #before: readonly string[] = [];

  constructor() {
    chmodSync(this.bait, 0o777);
    mkdirSync(join(this.bait, "empty"));
    chmodSync(join(this.bait, "empty"), 0o777);
    writeFileSync(join(this.bait, "file"), `${this.secret}\n`);
    chmodSync(join(this.bait, "file"), 0o666);
  }

  /** Of a listener on 127.0.0.1. */
  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    const tcp = this.#listener();
    await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
    const address = tcp.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
    const unix = this.#listener();
    await new Promise<void>((resolve) => unix.listen(`\0${this.abstractSocket}`, resolve));
    this.#before = this.#state();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Throws when anything has changed since `open`. */
  assertIntact(): void {
    assert.equal(this.#state(), this.#before);
  }

  #listener(): Server {
    const server = createServer((socket) => {
      this.#connections++;
      socket.end(this.secret);
    });
    this.#servers.push(server);
    return server;
  }

  #state(): readonly string[] {
    return [
      `connections ${this.#connections}`,
      `host name ${hostname()}`,
      ...readdirSync(this.bait, { recursive: true, encoding: "utf8" })
        .sort()
        .map((path) => describe(join(this.bait, path))),
      ...WATCHED.map(describe),
      ...mounts(),
      ...this.#ownCgroups(),
    ];
  }

  /** Cgroups of steps that this process's own builders made are gone; those of other builds are none of ours. */
  #ownCgroups(): readonly string[] {
    const own = readFileSync("/proc/self/cgroup", "utf8").split("\n").filter(Boolean);
    return own.map((line) => `cgroup ${line}`);
  }
}

/** Settings of the kernel, devices, and the programs that do the work: what escapes of the past have written to. */
const WATCHED: readonly string[] = [
  "/proc/sys/kernel/core_pattern",
  "/proc/sys/kernel/modprobe",
  "/proc/sys/kernel/sysrq",
  "/proc/sys/kernel/panic",
  "/proc/sys/fs/binfmt_misc/register",
  "/proc/sys/vm/overcommit_memory",
  "/etc/passwd",
  "/etc/shadow",
  "/etc/hosts",
  "/etc/resolv.conf",
  ...["null", "zero", "full", "random", "urandom", "tty", "kmsg"].map((name) => `/dev/${name}`),
  process.execPath,
  ...readdirSync(fileURLToPath(new URL("../../runtime-core", import.meta.url)))
    .filter((name) => name.endsWith(".node"))
    .map((name) => fileURLToPath(new URL(`../../runtime-core/${name}`, import.meta.url))),
];

/** Kind, mode, owner, and what is in it. */
function describe(path: string): string {
  if (!existsSync(path)) return `${path} absent`;
  const { mode, uid, gid, nlink } = lstatSync(path);
  return `${path} ${mode.toString(8)} ${uid}:${gid} ${nlink} ${content(path)}`;
}

function content(path: string): string {
  try {
    return lstatSync(path).isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";
  } catch {
    // Files of /proc/sys that can only be written.
    return "";
  }
}
