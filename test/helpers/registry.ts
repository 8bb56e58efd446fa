import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Certificates } from "./certificates.ts";
import { commandOutput } from "./command.ts";
import { freePort } from "./free-port.ts";
import { SLOWDOWN } from "./slowdown.ts";
import { makeTempDir, removeTempDir } from "./temp.ts";

/** How a registry knows its users. */
export type RegistryAuth =
  | { readonly type: "htpasswd"; readonly username: string; readonly password: string }
  /** Tokens of another server, whose signing certificate is at `certPath`. */
  | {
      readonly type: "token";
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      readonly certPath: string;
    };

export interface RegistryOptions {
  readonly auth?: RegistryAuth;
  /** Speak TLS with this certificate. */
  readonly tls?: Certificates;
}

/** A registry that a test has started. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, the beginning of references to it. */
  readonly host: string;
  readonly port: number;
  /** Where it keeps its files. */
  readonly root: string;
  /** The requests so far, as `GET /v2/x/manifests/v1 200`. */
  requests(): readonly string[];
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

/** Starts Debian's docker-registry (distribution 2.8) on a free loopback port, with an empty store of its own. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const root = makeTempDir("registry");
  const port = await freePort();
  const config = join(root, "config.json");
  writeFileSync(config, JSON.stringify(await configure(root, port, options), undefined, 2));
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "pipe", "pipe"] });
  const log = collectLog(child);
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  await untilListening(child, port, log);
  return {
    host: `127.0.0.1:${port}`,
    port,
    root,
    requests: () => parseRequests(log()),
    close: async () => {
      process.off("exit", stop);
      const ended = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode === null && stop()) await ended;
      removeTempDir(root);
    },
  };
}

/** JSON is YAML: what distribution reads as its configuration. */
async function configure(root: string, port: number, options: RegistryOptions): Promise<object> {
  const { tls } = options;
  return {
    version: "0.1",
    log: { accesslog: { disabled: false }, level: "error" },
    storage: { filesystem: { rootdirectory: join(root, "data") }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      secret: "tsbuild-test",
      ...(tls ? { tls: { certificate: tls.certPath, key: tls.keyPath } } : {}),
    },
    ...(options.auth ? { auth: await configureAuth(root, options.auth) } : {}),
  };
}

async function configureAuth(root: string, auth: RegistryAuth): Promise<object> {
  if (auth.type === "token") {
    const { realm, service, issuer, certPath } = auth;
    return { token: { realm, service, issuer, rootcertbundle: certPath } };
  }
  const path = join(root, "htpasswd");
  writeFileSync(path, await commandOutput(["htpasswd", "-nbB", "-C", "5", auth.username, auth.password]));
  return { htpasswd: { realm: "tsbuild test", path } };
}

function collectLog(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

async function untilListening(child: ChildProcess, port: number, log: () => string): Promise<void> {
  for (let tries = 0; tries < 500 * SLOWDOWN; tries++) {
    if (child.exitCode !== null) break;
    if (await accepts(port)) return;
    await sleep(20);
  }
  child.kill("SIGKILL");
  throw new Error(`docker-registry did not start on port ${port}\n${log()}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

/** Its access log is Apache's: `… "GET /v2/ HTTP/1.1" 200 …`. */
function parseRequests(log: string): readonly string[] {
  const matches = log.matchAll(/"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d{3})/g);
  return [...matches].map(([, method, path, status]) => `${method} ${path} ${status}`);
}
