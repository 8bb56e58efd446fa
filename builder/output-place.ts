import { constants } from "node:fs";
import { access, mkdtemp, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { statIfThere } from "./directory.ts";
import { BuildError } from "./errors.ts";
import type { Output } from "./options.ts";

const NEW_DIRECTORY = "name a directory in one that this user may write";
const NEW_FILE = "name a file in a directory that there is and that this user may write";

/** Refuses outputs that could not be written at the end, before any work. Throws BuildError OUTPUT_UNWRITABLE. */
export async function checkOutputPlaces(outputs: readonly Output[]): Promise<void> {
  for (const output of outputs) {
    const name = `the output ${output.dest}`;
    if (output.type === "oci" && output.tar) await checkArchivePlace(name, output.dest);
    else await checkDirectoryPlace(name, output.dest);
  }
}

/**
 * Refuses a place where no file can appear whole. What is there and is neither a file nor a directory (a pipe, a device) is
 * written as it is. Throws BuildError OUTPUT_UNWRITABLE; `name` begins its message.
 */
export async function checkFilePlace(name: string, path: string): Promise<void> {
  const there = await looked(name, NEW_FILE, () => statIfThere(path));
  if (there?.isDirectory() === true) throw unwritable(name, "it is a directory", "name a file in it");
  if (there?.isSocket() === true) throw unwritable(name, "it is a socket", NEW_FILE);
  if (there === undefined || there.isFile()) await checkParent(name, path);
  else await looked(name, NEW_FILE, () => access(path, constants.W_OK));
}

/** Whether a new file takes the place of what is at `path`: of a file, or of nothing. */
export async function isReplaceable(path: string): Promise<boolean> {
  return (await statIfThere(path))?.isFile() ?? true;
}

/** An archive takes the place of what is there. */
async function checkArchivePlace(name: string, path: string): Promise<void> {
  const there = await looked(name, NEW_FILE, () => statIfThere(path));
  if (there?.isDirectory() === true) {
    throw unwritable(name, "it is a directory", "name a file in it, or have the layout as a directory by tar=false");
  }
  await checkParent(name, path);
}

async function checkParent(name: string, path: string): Promise<void> {
  const parent = dirname(resolve(path));
  const there = await looked(name, NEW_FILE, () => statIfThere(parent));
  if (there === undefined) throw unwritable(name, `there is no directory ${parent}`, `make it, or ${NEW_FILE}`);
  await checkWritableDirectory(name, parent, NEW_FILE);
}

/** A directory that is made with its parents. */
async function checkDirectoryPlace(name: string, path: string): Promise<void> {
  let nearest = resolve(path);
  while ((await looked(name, NEW_DIRECTORY, () => statIfThere(nearest))) === undefined) nearest = dirname(nearest);
  await checkWritableDirectory(name, nearest, NEW_DIRECTORY);
}

async function checkWritableDirectory(name: string, directory: string, hint: string): Promise<void> {
  const there = await looked(name, hint, () => statIfThere(directory));
  if (there?.isDirectory() !== true) throw unwritable(name, `${directory} is not a directory`, hint);
  await looked(name, hint, () => makeAndRemove(directory));
}

/** Mode bits would not do: there are read-only mounts, and filesystems that take nothing from anybody. */
async function makeAndRemove(directory: string): Promise<void> {
  await rmdir(await mkdtemp(join(directory, ".tsbuild-")));
}

/** What the kernel says becomes the reason, without the name of the call. */
async function looked<T>(name: string, hint: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    throw unwritable(name, (cause as Error).message.split(",")[0] ?? "", hint, cause);
  }
}

function unwritable(name: string, reason: string, hint: string, cause?: unknown): BuildError {
  return new BuildError("OUTPUT_UNWRITABLE", `${name} cannot be written: ${reason}`, { hint, cause });
}
