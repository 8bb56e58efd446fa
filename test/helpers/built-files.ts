import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tsbuildOk } from "./cli.ts";
import type { CommandOptions } from "./command.ts";
import { makeTempDir } from "./temp.ts";

/** Builds with these flags and a context, and returns the files of the image: path → content. */
export async function builtFiles(
  store: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Readonly<Record<string, string>>> {
  const dest = join(makeTempDir("output"), "files");
  await tsbuildOk(["build", "--store", store, "--output", `type=local,dest=${dest}`, ...args], options);
  return readFiles(dest);
}

/** Every regular file below a directory, by its path in it. */
export function readFiles(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  const files = names.filter((name) => lstatSync(join(directory, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
