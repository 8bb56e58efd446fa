import { lstatSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { applyFileActions, removeTree, type TreeSelection } from "../../runtime-core/index.ts";
import { compileIgnorePatterns } from "../dockerfile/index.ts";
import type { CacheMount } from "../llb/index.ts";
import { treeSource } from "./inputs.ts";
import type { MountWork } from "./mounts.ts";

type Seed = Extract<CacheMount["initial"], { type: "copy" }>;

/** Makes `path` a copy of a file or directory of an input, with its own owner and mode. Nothing else is in its directory yet. */
export async function seedCache(path: string, seed: Seed, work: MountWork): Promise<void> {
  if (seed.source !== "/" && (await copyByName(path, seed, work))) return;
  await copy({ paths: [seed.source] }, path, seed, work);
}

/**
 * A directory that is copied by its own path is made anew, and only what is in it is copied; as the one entry of its parent it
 * is copied itself. False, with nothing made, where the name is a symbolic link: that is to be followed.
 */
async function copyByName(path: string, seed: Seed, work: MountWork): Promise<boolean> {
  const name = posix.basename(seed.source);
  const parent = `${path}-parent`;
  const exclude = compileIgnorePatterns(["*", `!${name.replace(/[\\*?[\]]/g, "\\$&")}`]);
  await copy({ paths: [posix.dirname(seed.source)], exclude }, parent, seed, work);
  // Not there: the copy followed nothing of that name, and the caller's own copy says why.
  const found = lstatSync(join(parent, name), { throwIfNoEntry: false });
  const isCopied = found !== undefined && !found.isSymbolicLink();
  if (isCopied) renameSync(join(parent, name), path);
  await removeTree(parent);
  return isCopied;
}

async function copy(
  what: Pick<TreeSelection, "paths" | "exclude">,
  path: string,
  seed: Seed,
  { inputs, context, options }: MountWork,
): Promise<void> {
  const selection = { source: treeSource(inputs[seed.input], context), wildcards: false, ...what };
  const upper = dirname(path);
  const work = context.store.workspace.path();
  mkdirSync(work);
  const action = { type: "copy", selection, dest: path.slice(upper.length) } as const;
  const { sourceDateEpoch } = context;
  await applyFileActions({ lowers: [], upper, work }, [action], { ...options, sourceDateEpoch });
}
