import { posix } from "node:path";
import { listDirectory, type TreeSelection, type TreeSource } from "../../runtime-core/index.ts";
import { suggest } from "../suggest.ts";

/** Why a source is missing: .dockerignore leaves it out, or a name on its path is not quite one that is there. */
export async function sourceHint({ source }: TreeSelection, path: string): Promise<string | undefined> {
  const missing = await firstMissing(source, path);
  if (missing === undefined) return undefined;
  const { directory, name, rest } = missing;
  if (source.ignore !== undefined && source.ignore.length > 0 && (await isThere({ rootfs: source.rootfs }, path))) {
    return "it is there, but .dockerignore leaves it out of the context";
  }
  const names = await listDirectory(source, directory);
  const near = suggest(name, names) ?? names.find((other) => other.toLowerCase() === name.toLowerCase());
  return near === undefined ? undefined : `did you mean ${relative(posix.join(directory, near, ...rest))}?`;
}

interface MissingName {
  readonly directory: string;
  readonly name: string;
  /** What would lie below it. */
  readonly rest: readonly string[];
}

/** The first name on the way to `path` that its directory does not have. */
async function firstMissing(source: TreeSource, path: string): Promise<MissingName | undefined> {
  const names = path.split("/").filter((name) => name !== "");
  let directory = "/";
  for (const [index, name] of names.entries()) {
    if (!(await listDirectory(source, directory)).includes(name)) {
      return { directory, name, rest: names.slice(index + 1) };
    }
    directory = posix.join(directory, name);
  }
  return undefined;
}

async function isThere(source: TreeSource, path: string): Promise<boolean> {
  return (await firstMissing(source, path)) === undefined;
}

function relative(path: string): string {
  return path.replace(/^\/+/, "");
}
