import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { baseImage } from "../../helpers/base-images.ts";
import { type Dockerd, startDockerd } from "../../helpers/dockerd.ts";
import { writeLayout } from "../../helpers/oci-layout.ts";
import { unpack } from "../differential/builders.ts";
import { type Buildah, startBuildah } from "./buildah.ts";
import { startWeb, type Web } from "./web.ts";

/** All that the cases share: the other builders, with the base images in them, a web server and an ssh agent. */
export interface Peers {
  readonly dockerd: Dockerd;
  readonly buildah: Buildah;
  readonly web: Web;
  /** The agent's socket. */
  readonly agent: string;
  /** The OCI layouts of the base images, by name. */
  readonly bases: Readonly<Record<string, string>>;
  /** `listFiles` of busybox. */
  readonly baseTree: readonly string[];
  close(): Promise<void>;
}

/** Everything of an image config that a Dockerfile can say, and triggers. */
const TRIGGER = {
  Env: ["PATH=/usr/bin:/bin", "BASE=trigger"],
  Cmd: ["base", "cmd"],
  Entrypoint: ["/base-entry"],
  User: "www-data:staff",
  WorkingDir: "/home",
  Labels: { base: "trigger", maintainer: "x" },
  ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
  Volumes: { "/base-volume": {} },
  StopSignal: "SIGINT",
  Shell: ["/bin/sh", "-ec"],
  Healthcheck: { Test: ["CMD-SHELL", "base check"], Interval: 5_000_000_000 },
  OnBuild: [
    "USER root",
    "ARG WHO=default",
    "ENV GREETING=hello-$WHO",
    "COPY file /from/onbuild",
    "RUN echo $GREETING > /greeting",
    "WORKDIR sub",
    "LABEL by=$WHO",
    "USER www-data",
  ],
};

/** Starts them below `root`; cases are served from `cases`. */
export async function startPeers(root: string, cases: string): Promise<Peers> {
  const busybox = await baseImage("busybox");
  const trigger = join(root, "trigger");
  await writeLayout(trigger, [], TRIGGER, busybox);
  const bases = { busybox, trigger };
  mkdirSync(join(root, "docker"));
  mkdirSync(join(root, "buildah"));
  const started = await startDockerd(join(root, "docker"));
  if ("missing" in started) throw new Error(started.missing);
  try {
    return await completePeers(root, cases, bases, started);
  } catch (error) {
    await started.close();
    throw error;
  }
}

async function completePeers(root: string, cases: string, bases: Peers["bases"], dockerd: Dockerd): Promise<Peers> {
  const buildah = await startBuildah(join(root, "buildah"));
  for (const [name, layout] of Object.entries(bases)) {
    await dockerd.load(layout, name);
    await buildah.load(layout, name);
  }
  const baseTree = await unpack(await baseImage("busybox"), join(root, "busybox"));
  const agent = await startAgent(join(root, "agent"));
  const web = await startWeb(cases);
  const close = async () => {
    web.close();
    agent.process.kill("SIGTERM");
    await once(agent.process, "exit");
    await dockerd.close();
  };
  return { dockerd, buildah, web, agent: agent.socket, bases, baseTree, close };
}

async function startAgent(socket: string): Promise<{ readonly socket: string; readonly process: ChildProcess }> {
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  for (let tries = 0; tries < 100 && !existsSync(socket); tries++) await sleep(50);
  if (!existsSync(socket)) throw new Error("ssh-agent did not start: apt-get install openssh-client");
  return { socket, process: agent };
}
