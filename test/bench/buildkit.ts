import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOutput, runCommand } from "../helpers/command.ts";
import { removeCgroup, writePolicy } from "../helpers/peers.ts";
import { BASE_NAME, type PrepareBuilder } from "./builder.ts";

const CLIENTS = ["/usr/bin/docker", "/usr/local/bin/docker"];

/** Docker's BuildKit in a private daemon: its own socket, data and cgroup, no bridge and no iptables. */
export const prepareBuildKit: PrepareBuilder = async (work, base) => {
  const name = "docker buildkit";
  const client = await findClient();
  if (client === undefined) return { name, missing: "no docker client with BuildKit: apt-get install docker.io" };
  if (!existsSync("/usr/sbin/dockerd")) return { name, missing: "no dockerd: apt-get install docker.io" };
  const cgroup = `/tsbuild-bench-${process.pid}`;
  const socket = `unix://${join(work, "docker.sock")}`;
  const daemon = await startDaemon(work, socket, cgroup);
  const env = { DOCKER_HOST: socket, DOCKER_BUILDKIT: "1", DOCKER_CONFIG: join(work, "config") };
  await loadBase(client, env, work, base);
  const version = await commandOutput([client, "version", "--format", "{{.Server.Version}}"], { env });
  return {
    name: `${name} ${version.trim().split("+")[0]}`,
    build: async (context, { noCache }) => {
      const flags = ["--quiet", "--network", "none", "--tag", "bench", ...(noCache ? ["--no-cache"] : [])];
      await commandOutput([client, "build", ...flags, context], { env });
    },
    close: () => stopDaemon(daemon, cgroup),
  };
};

/** A client of version 23 or later needs the buildx plugin; one before it has BuildKit built in. */
async function findClient(): Promise<string | undefined> {
  for (const client of CLIENTS.filter((path) => existsSync(path))) {
    const major = Number(/version (\d+)/.exec((await runCommand([client, "--version"])).stdout)?.[1]);
    if (major < 23 || (await runCommand([client, "buildx", "version"])).code === 0) return client;
  }
  return undefined;
}

async function startDaemon(work: string, socket: string, cgroup: string): Promise<ChildProcess> {
  const log = join(work, "dockerd.log");
  const places = ["data-root", "exec-root", "pidfile"].flatMap((place) => [`--${place}`, join(work, place)]);
  const network = ["--iptables=false", "--ip6tables=false", "--bridge=none"];
  const argv = [...places, ...network, "--cgroup-parent", cgroup, "--host", socket];
  const daemon = spawn("/usr/sbin/dockerd", argv, { stdio: ["ignore", "ignore", openSync(log, "w")] });
  for (let tries = 0; tries < 150 && daemon.exitCode === null; tries++) {
    await sleep(200);
    if (readFileSync(log, "utf8").includes("API listen on")) return daemon;
  }
  daemon.kill();
  throw new Error(`dockerd did not start:\n${readFileSync(log, "utf8").slice(-4000)}`);
}

async function loadBase(client: string, env: Record<string, string>, work: string, base: string): Promise<void> {
  const archive = join(work, "base.tar");
  const skopeo = ["skopeo", "--policy", writePolicy(work), "copy", "--quiet"];
  await commandOutput([...skopeo, `oci:${base}:latest`, `docker-archive:${archive}:${BASE_NAME}:latest`]);
  await commandOutput([client, "load", "--quiet", "--input", archive], { env });
}

async function stopDaemon(daemon: ChildProcess, cgroup: string): Promise<void> {
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await ended;
  await removeCgroup(cgroup);
}
