import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TSBUILD } from "./cli.ts";
import { type CommandOptions, type CommandResult, commandOutput, runCommand } from "./command.ts";
import { SLOWDOWN } from "./slowdown.ts";
import { makeTempDir } from "./temp.ts";

const SERVERS = fileURLToPath(new URL("../e2e/fixtures/outside-servers.mjs", import.meta.url));

/** A server of the builder's machine: on its loopback (8123) and on all its addresses (8124). */
const LOCAL_SERVERS = `
  const http = require("node:http");
  const server = (text) => http.createServer((_, response) => response.end(text + "\\n"));
  server("loopback").listen(8123, "127.0.0.1", () =>
    server("all addresses").listen(8124, "0.0.0.0", () => console.log("ready")));
`;

/**
 * Two network namespaces with a wire between them: one that builds are run in, and an outside with servers. In the first,
 * /etc/resolv.conf names the outside's nameserver. Needs root; leaves this machine's own network alone.
 */
export class Outside {
  readonly #machine: ChildProcess;
  readonly #servers: ChildProcess;
  readonly #lookups: string[];

  private constructor(machine: ChildProcess, servers: ChildProcess, lookups: string[]) {
    this.#machine = machine;
    this.#servers = servers;
    this.#lookups = lookups;
  }

  static async start(): Promise<Outside> {
    const resolver = join(makeTempDir("resolver"), "resolv.conf");
    writeFileSync(resolver, "nameserver 10.77.0.2\nsearch corp.test\noptions timeout:2\n");
    const inside = `ip link set lo up && mount --bind "$1" /etc/resolv.conf && read go && exec "$2" -e "$3"`;
    const machine = spawn(
      "unshare",
      [
        "--net",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        inside,
        "sh",
        resolver,
        process.execPath,
        LOCAL_SERVERS,
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const outside = `ip link set lo up && read go && exec "$1" "$2"`;
    const servers = spawn("unshare", ["--net", "sh", "-c", outside, "sh", process.execPath, SERVERS], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lookups: string[] = [];
    await connect(machine.pid ?? 0, servers.pid ?? 0);
    const isReady = [machine, servers].map((child) => whenReady(child, lookups));
    for (const child of [machine, servers]) child.stdin?.write("go\n");
    await Promise.all(isReady);
    return new Outside(machine, servers, lookups);
  }

  /** The command line that runs `argv` on the machine of this world. */
  commandLine(argv: readonly string[]): readonly string[] {
    return ["nsenter", "--net", "--mount", "--target", `${this.#machine.pid}`, ...argv];
  }

  /** Runs the CLI there. */
  tsbuild(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.commandLine([...TSBUILD, ...args]), { ...options, env: { NO_COLOR: "1", ...options.env } });
  }

  /** Names that the outside's nameserver was asked for since the last call. */
  takeLookups(): readonly string[] {
    return this.#lookups.splice(0);
  }

  close(): void {
    for (const child of [this.#machine, this.#servers]) child.kill("SIGKILL");
  }
}

/** A veth pair, with addresses of both families at both ends, and everything else beyond the outside. */
async function connect(machine: number, outside: number): Promise<void> {
  await namespaceOf(machine);
  await namespaceOf(outside);
  const script = `set -e
    nsenter -t ${machine} -n ip link add wire type veth peer name wire netns ${outside}
    at() { nsenter -t $1 -n ip $2 $3 $4 $5 $6 $7 $8 $9; }
    for n in "${machine} 1" "${outside} 2"; do
      set -- $n
      at $1 addr add 10.77.0.$2/24 dev wire
      at $1 -6 addr add fd77::$2/64 dev wire nodad
      at $1 -6 addr add fe80::$2/64 dev wire nodad
      at $1 link set wire up
    done
    at ${machine} route add default via 10.77.0.2
    at ${machine} -6 route add default via fd77::2
    for ip in 10.77.1.1 10.77.1.2 169.254.169.254; do at ${outside} addr add $ip/32 dev lo; done
    at ${outside} -6 addr add 2001:db8:77::1/128 dev lo nodad`;
  await commandOutput(["sh", "-c", script]);
}

/** Waits until the process has its own network namespace. */
async function namespaceOf(pid: number): Promise<void> {
  const own = await commandOutput(["readlink", "/proc/self/ns/net"]);
  for (let tries = 0; tries < 200 * SLOWDOWN; tries++) {
    const its = await runCommand(["readlink", `/proc/${pid}/ns/net`]);
    if (its.code === 0 && its.stdout !== own) return;
  }
  throw new Error(`process ${pid} has no network namespace of its own`);
}

function whenReady(child: ChildProcess, lookups: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("a server of the outside ended")));
    if (child.stdout === null) return;
    createInterface(child.stdout).on("line", (line) => {
      if (line === "ready") resolve();
      else if (line.startsWith("lookup ")) lookups.push(line.slice("lookup ".length));
    });
  });
}
