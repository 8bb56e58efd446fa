import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBusyboxTree } from "./busybox-tree.ts";
import { commandOutput } from "./command.ts";
import { makeDebianTree, makeNodeTree } from "./debian-tree.ts";
import { type LayerTree, type LayoutConfig, writeLayout } from "./oci-layout.ts";

/** Base images made from Debian packages, so that tests and the demo need no registry of images. */
export type BaseImage = "busybox" | "debian" | "node";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CACHE = fileURLToPath(new URL("../../.cache/base", import.meta.url));

interface Recipe {
  readonly base?: BaseImage;
  readonly config: LayoutConfig;
  tree(work: string): Promise<LayerTree>;
}

const RECIPES: Readonly<Record<BaseImage, Recipe>> = {
  busybox: {
    config: { Env: [`PATH=${PATH}`], Cmd: ["sh"] },
    tree: async (work) => ({ path: await makeBusyboxTree(work), ownedByRoot: true }),
  },
  debian: {
    config: { Env: [`PATH=${PATH}`], Cmd: ["bash"] },
    tree: async (work) => ({ path: await makeDebianTree(work) }),
  },
  node: {
    base: "debian",
    config: { Env: [`PATH=${PATH}`, `NODE_VERSION=${process.versions.node}`], Cmd: ["node"] },
    tree: async (work) => ({ path: await makeNodeTree(work), ownedByRoot: true }),
  },
};

/**
 * The OCI layout (tag `latest`) of a base image, made when it is not in `.cache/base` yet.
 * `busybox`: Debian's busybox-static. `debian`: a minimal bookworm by debootstrap, with this machine's mirror (needs root, half a
 * minute). `node`: `debian` plus a layer with this machine's Node and npm.
 */
export async function baseImage(name: BaseImage): Promise<string> {
  const layout = join(CACHE, name);
  if (!existsSync(layout)) await makeBaseImage(name, layout);
  return layout;
}

/** Makes a base image's layout at `layout`, whole or not at all; a process that makes the same one at the same time does no harm. */
export async function makeBaseImage(name: BaseImage, layout: string): Promise<void> {
  mkdirSync(dirname(layout), { recursive: true });
  const work = mkdtempSync(join(dirname(layout), `.${name}-`));
  try {
    const made = join(work, "layout");
    const { base, config, tree } = RECIPES[name];
    await writeLayout(made, [await tree(work)], config, base && (await baseImage(base)));
    if (!existsSync(layout)) renameSync(made, layout);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts a base image into a registry, as `host:port/repository:tag`. */
export async function pushBaseImage(name: BaseImage, reference: string): Promise<void> {
  const layout = await baseImage(name);
  const policy = join(CACHE, "policy.json");
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const skopeo = ["skopeo", "--policy", policy, "copy", "--quiet", "--dest-tls-verify=false"];
  await commandOutput([...skopeo, `oci:${layout}:latest`, `docker://${reference}`]);
}
