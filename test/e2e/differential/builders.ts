import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../../builder/index.ts";
import { baseImage } from "../../helpers/base-images.ts";
import { type CommandResult, commandOutput, runCommand } from "../../helpers/command.ts";
import type { Dockerd } from "../../helpers/dockerd.ts";
import { listAttributes, listTree } from "../../helpers/file-tree.ts";
import { inspectConfig, writePolicy } from "../../helpers/peers.ts";
import type { DifferentialCase } from "./case.ts";
import { type Comparable, comparable } from "./comparable.ts";

/** What a builder made of a case. */
export interface BuiltImage {
  readonly image: Comparable;
  /** `listFiles` of its root. */
  readonly tree: readonly string[];
}

/** The context of a case, in a directory of its own below `work`. */
export async function makeCaseContext(work: string, { dockerfile, context }: DifferentialCase): Promise<string> {
  const path = join(work, "context");
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "Dockerfile"), `${dockerfile.join("\n")}\n`);
  if (context !== undefined) await commandOutput(["sh", "-euc", `umask 022\n${context}`], { cwd: path });
  return path;
}

/** Docker's `build`, with the image under `tag` in the daemon. */
export function dockerBuild(
  dockerd: Dockerd,
  tag: string,
  context: string,
  one: DifferentialCase,
): Promise<CommandResult> {
  const named = (flag: string, values: Readonly<Record<string, string>> = {}) =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
  const target = one.target === undefined ? [] : ["--target", one.target];
  const flags = [...named("--build-arg", one.buildArgs), ...named("--label", one.labels), ...target];
  const argv = [dockerd.client, "build", "--quiet", "--network", "none", "--tag", tag, ...flags, context];
  return runCommand(argv, { env: dockerd.env });
}

/** Ours, with the image as an OCI layout in `work/ours` and its files in `work/local`. */
export async function ourBuild(work: string, store: string, context: string, one: DifferentialCase): Promise<void> {
  await build({
    context,
    store,
    tags: ["case"],
    buildContexts: { busybox: `oci-layout://${await baseImage("busybox")}:latest` },
    outputs: [
      { type: "oci", dest: join(work, "ours"), tar: false },
      { type: "local", dest: join(work, "local") },
    ],
    ...(one.buildArgs === undefined ? {} : { buildArgs: one.buildArgs }),
    ...(one.labels === undefined ? {} : { labels: one.labels }),
    ...(one.target === undefined ? {} : { target: one.target }),
  });
}

/** The daemon's image, unpacked by umoci. Its config is the daemon's own: skopeo's OCI one has no Healthcheck, Shell and OnBuild. */
export async function readDockerImage(dockerd: Dockerd, tag: string, work: string): Promise<BuiltImage> {
  const layout = join(work, "docker");
  const copy = ["skopeo", "--policy", writePolicy(work), "copy", "--quiet", "--src-daemon-host", dockerd.socket];
  await commandOutput([...copy, `docker-daemon:${tag}:latest`, `oci:${layout}:case`]);
  const [inspected] = JSON.parse(await commandOutput([dockerd.client, "image", "inspect", tag], { env: dockerd.env }));
  const blob = await inspectConfig(`oci:${layout}:case`);
  return {
    image: comparable({ ...blob, config: inspected.Config }),
    tree: await unpack(layout, join(work, "docker-files")),
  };
}

/** Our image, unpacked by umoci. */
export async function readOurImage(work: string): Promise<BuiltImage> {
  const layout = join(work, "ours");
  const read = (path: string) => JSON.parse(readFileSync(join(layout, path), "utf8"));
  const blob = (digest: string) => read(join("blobs", digest.replace(":", "/")));
  const config = blob(blob(read("index.json").manifests[0].digest).config.digest);
  return { image: comparable(config), tree: await unpack(layout, join(work, "our-files")) };
}

/** An image of an OCI layout with one tag, unpacked by umoci: its `listFiles`. */
export async function unpack(layout: string, bundle: string): Promise<readonly string[]> {
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const tag = index.manifests[0].annotations["org.opencontainers.image.ref.name"];
  await commandOutput(["umoci", "unpack", "--image", `${layout}:${tag}`, bundle]);
  return listFiles(join(bundle, "rootfs"));
}

/** Files with the texts of the small ones, and extended attributes, a line each. */
export async function listFiles(root: string): Promise<readonly string[]> {
  return [...listTree(root, { texts: true }), ...(await listAttributes(root))];
}
