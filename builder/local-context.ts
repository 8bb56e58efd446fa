import { readFile, realpath } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { IgnoreRule } from "../runtime-core/index.ts";
import type { LocalContext } from "./dispatch/index.ts";
import { parseDockerignore } from "./dockerfile/index.ts";
import { ownIgnoreFile } from "./dockerfile-text.ts";
import { BuildError } from "./errors.ts";
import { shownName } from "./local-dockerfile.ts";

/**
 * A directory as a context: without what the .dockerignore beside `dockerfile`, else its own, leaves out, and without the
 * store, should that lie in it. Throws INVALID_DOCKERIGNORE, STORE_IS_CONTEXT.
 */
export async function openLocalContext(directory: string, store: string, dockerfile?: string): Promise<LocalContext> {
  const path = resolve(directory);
  const ignore = [...(await readIgnoreRules(path, dockerfile)), ...(await storeRule(path, store))];
  return { path, ignore };
}

async function readIgnoreRules(context: string, dockerfile: string | undefined): Promise<readonly IgnoreRule[]> {
  const own = dockerfile === undefined ? [] : [ownIgnoreFile(dockerfile)];
  for (const file of [...own, join(context, ".dockerignore")]) {
    const text = await readIfThere(file);
    if (text !== undefined) return parseDockerignore(text, shownName(file, context));
  }
  return [];
}

/** The last rule decides, so that no exception of the user's takes the store back in. */
async function storeRule(context: string, store: string): Promise<readonly IgnoreRule[]> {
  const path = relative(await realpath(context), await realpath(store));
  if (path === "") {
    throw new BuildError("STORE_IS_CONTEXT", `the store is the build context itself: ${store}`, {
      hint: "put the store into a directory of its own with --store",
    });
  }
  if (path === ".." || path.startsWith("../")) return [];
  return [{ negated: false, kind: "exact", text: path }];
}

/** A directory of that name holds no rules. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}
