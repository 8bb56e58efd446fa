import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOutput, runCommand } from "./command.ts";
import { removeCgroup, writePolicy } from "./peers.ts";

/** A private Docker daemon, with the BuildKit that is built into it. All its state lies under one directory. */
export interface Dockerd {
  readonly socket: string;
  /** A client that has BuildKit, with the environment that leads it to this daemon. */
  readonly client: string;
  readonly env: Readonly<Record<string, string>>;
  /** Loads an OCI layout's `latest` as `name:latest`. */
  load(layout: string, name: string): Promise<void>;
  /** Ends the daemon and takes back its cgroup. */
  close(): Promise<void>;
}

const DOCKERD = "/usr/sbin/dockerd";
const CLIENTS = ["/usr/bin/docker", "/usr/local/bin/docker"];

/** Starts a daemon under `root` with no bridge and no iptables, or says what it lacks. */
export async function startDockerd(root: string): Promise<Dockerd | { readonly missing: string }> {
  const client = await findClient();
  if (client === undefined) return { missing: "no docker client with BuildKit: apt-get install docker.io" };
  if (!existsSync(DOCKERD)) return { missing: "no dockerd: apt-get install docker.io" };
  const cgroup = `/tsbuild-dockerd-${process.pid}`;
  const socket = `unix://${join(root, "docker.sock")}`;
  const daemon = await startDaemon(root, socket, cgroup);
  const env = { DOCKER_HOST: socket, DOCKER_BUILDKIT: "1", DOCKER_CONFIG: join(root, "config") };
  return {
    socket,
    client,
    env,
    load: async (layout, name) => {
      const archive = join(root, `${name.replaceAll("/", "-")}.tar`);
      const skopeo = ["skopeo", "--policy", writePolicy(root), "copy", "--quiet"];
      await commandOutput([...skopeo, `oci:${layout}:latest`, `docker-archive:${archive}:${name}:latest`]);
      await commandOutput([client, "load", "--quiet", "--input", archive], { env });
    },
    close: () => stopDaemon(daemon, cgroup),
  };
}

/** A client of version 23 or later needs the buildx plugin; one before it has BuildKit built in. */
async function findClient(): Promise<string | undefined> {
  for (const client of CLIENTS.filter((path) => existsSync(path))) {
    const major = Number(/version (\d+)/.exec((await runCommand([client, "--version"])).stdout)?.[1]);
    if (major < 23 || (await runCommand([client, "buildx", "version"])).code === 0) return client;
  }
  return undefined;
}

async function startDaemon(root: string, socket: string, cgroup: string): Promise<ChildProcess> {
  const log = join(root, "dockerd.log");
  const places = ["data-root", "exec-root", "pidfile"].flatMap((place) => [`--${place}`, join(root, place)]);
  const network = ["--iptables=false", "--ip6tables=false", "--bridge=none"];
  const argv = [...places, ...network, "--cgroup-parent", cgroup, "--host", socket];
  const output = openSync(log, "w");
  const daemon = spawn(DOCKERD, argv, { stdio: ["ignore", "ignore", output] });
  closeSync(output);
  for (let tries = 0; tries < 150 && daemon.exitCode === null; tries++) {
    await sleep(200);
    if (readFileSync(log, "utf8").includes("API listen on")) return daemon;
  }
  daemon.kill();
  throw new Error(`dockerd did not start:\n${readFileSync(log, "utf8").slice(-4000)}`);
}

async function stopDaemon(daemon: ChildProcess, cgroup: string): Promise<void> {
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await ended;
  await removeCgroup(cgroup);
}
