import { readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { readdirOrEmpty, statIfThere } from "./directory.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { decodeDockerfile, dockerfileNames, dockerfileTooLarge, MAX_DOCKERFILE_BYTES } from "./dockerfile-text.ts";
import { BuildError } from "./errors.ts";
import { suggest } from "./suggest.ts";

/** A Dockerfile on this machine. */
export interface LocalDockerfile {
  /** Absolute. */
  readonly path: string;
  readonly source: SourceFile;
}

/**
 * Finds and reads the Dockerfile of a directory. `-f` is taken from the working directory, then from the context; without
 * it `Dockerfile`, then `dockerfile`. It may lie outside the context. Throws DOCKERFILE_NOT_FOUND, DOCKERFILE_UNREADABLE.
 */
export async function readLocalDockerfile(context: string, asked: string | undefined): Promise<LocalDockerfile> {
  const path = await locate(context, asked);
  const name = shownName(path, context);
  const { size } = await stat(path);
  if (size > MAX_DOCKERFILE_BYTES) throw dockerfileTooLarge(name, size);
  return { path, source: { file: name, text: decodeDockerfile(await readFile(path), name) } };
}

async function locate(context: string, asked: string | undefined): Promise<string> {
  const places = asked === undefined ? [join(context, "Dockerfile")] : [resolve(asked), resolve(context, asked)];
  for (const candidate of places.flatMap(dockerfileNames)) {
    const found = await statIfThere(candidate);
    if (found?.isFile() === true) return candidate;
    if (found !== undefined) {
      const name = shownName(candidate, context);
      throw new BuildError("DOCKERFILE_UNREADABLE", `${name} is not a file but ${kindOf(found)}`, {
        hint: found.isDirectory() ? "name the file itself: -f DIR/Dockerfile" : undefined,
      });
    }
  }
  throw await notFound(context, asked);
}

async function notFound(context: string, asked: string | undefined): Promise<BuildError> {
  const near = suggest(basename(asked ?? "Dockerfile"), await readdirOrEmpty(context));
  return new BuildError("DOCKERFILE_NOT_FOUND", `there is no ${asked ?? "Dockerfile"} in ${context}`, {
    hint: near === undefined ? "name it with -f" : `did you mean ${near}?`,
  });
}

function kindOf(found: { isDirectory(): boolean; isFIFO(): boolean }): string {
  if (found.isDirectory()) return "a directory";
  return found.isFIFO() ? "a pipe" : "a special file";
}

/** A path as messages name it: from the working directory, else from the context, else whole. */
export function shownName(path: string, context: string): string {
  for (const from of [process.cwd(), context]) {
    const short = relative(from, path);
    if (short !== "" && !short.startsWith("..")) return short;
  }
  return path;
}
