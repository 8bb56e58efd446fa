import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, commandOutput, runCommand } from "./command.ts";

/**
 * Other programs that read images, set up so that they work wherever the tests do. All state lies under `root`, a temporary directory.
 * runc, since crun 1.8 refuses a machine that mounts cgroup v1 and v2 side by side; limits of our own on open files and processes,
 * since podman's exceed what a container without CAP_SYS_RESOURCE may set; no network set-up, which would need iptables.
 */
export interface Podman {
  /** Loopback registries are spoken to by plain HTTP. */
  pull(reference: string): Promise<void>;
  run(reference: string, argv?: readonly string[]): Promise<CommandResult>;
  /** Takes back what podman left on the machine outside of `root`. */
  close(): Promise<void>;
}

const RUNC = "/usr/sbin/runc";

/** Podman with its storage under `root`. */
export function startPodman(root: string): Podman {
  const cgroup = `/tsbuild-test-${process.pid}`;
  const places = ["--root", join(root, "storage"), "--runroot", join(root, "run"), "--tmpdir", join(root, "tmp")];
  const podman = [
    ...["podman", ...places],
    "--runtime",
    RUNC,
    "--cgroup-manager",
    "cgroupfs",
    "--events-backend",
    "none",
  ];
  const isolation = ["--network", "none", "--cgroup-parent", cgroup, "--log-driver", "none"];
  const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
  return {
    pull: async (reference) => {
      const policy = writePolicy(root);
      await commandOutput([
        ...podman,
        "pull",
        "--quiet",
        "--tls-verify=false",
        "--signature-policy",
        policy,
        reference,
      ]);
    },
    run: (reference, argv = []) => runCommand([...podman, "run", "--rm", ...isolation, ...limits, reference, ...argv]),
    close: async () => {
      await runCommand([...podman, "rmi", "--all", "--force"]);
      await removeCgroup(cgroup);
    },
  };
}

/** Unpacks `layout:tag` with umoci and runs it with runc, as the image's own config says. */
export async function runWithRunc(layout: string, tag: string, root: string): Promise<CommandResult> {
  const bundle = join(root, "bundle");
  await commandOutput(["umoci", "unpack", "--image", `${layout}:${tag}`, bundle]);
  const path = join(bundle, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  config.process.terminal = false;
  writeFileSync(path, JSON.stringify(config));
  return runCommand([RUNC, "--root", join(root, "runc"), "run", "--bundle", bundle, `tsbuild-runc-${process.pid}`]);
}

/** An image's config blob as skopeo reads it. `image` is skopeo's spelling: `docker://…`, `oci:…`, `oci-archive:…`. */
export async function inspectConfig(image: string): Promise<ImageConfigBlob> {
  return JSON.parse(await commandOutput(["skopeo", "inspect", "--config", "--tls-verify=false", image]));
}

/** An image's manifest digest as skopeo computes it. */
export async function inspectDigest(image: string): Promise<string> {
  const output = await commandOutput(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", image]);
  return output.trim();
}

/** What the tests compare of a config blob; image-spec v1.1 config.md. */
export interface ImageConfigBlob {
  readonly created: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
}

/** A signature policy that accepts everything, for programs that refuse to work without one. */
export function writePolicy(root: string): string {
  const path = join(root, "policy.json");
  writeFileSync(path, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  return path;
}

/** Removes a cgroup and those below it from every hierarchy, v1 and v2, after their processes have gone. */
export async function removeCgroup(path: string): Promise<void> {
  const mounts = ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name))];
  const groups = mounts.map((mount) => join(mount, path)).filter((group) => existsSync(group));
  for (const group of groups) {
    const below = readdirSync(group, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
    const directories = below.map((entry) => join(entry.parentPath, entry.name)).sort((a, b) => b.length - a.length);
    for (const directory of [...directories, group]) rmdirSync(directory);
  }
}
