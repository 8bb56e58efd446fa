import { readFile, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import type { IgnoreRule } from "../runtime-core/index.ts";
import { readdirOrEmpty, statIfThere } from "./directory.ts";
import { parseDockerignore, type SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { suggest } from "./suggest.ts";

/** The largest Dockerfile that is read: past it something else was named by mistake. */
const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

export interface BuildContext {
  /** Absolute. */
  readonly path: string;
  readonly ignore: readonly IgnoreRule[];
  readonly dockerfile: SourceFile;
}

/** Finds and reads what a build starts from. Throws CONTEXT_NOT_FOUND, DOCKERFILE_NOT_FOUND, DOCKERFILE_UNREADABLE. */
export async function openBuildContext(context: string, dockerfile?: string): Promise<BuildContext> {
  const path = resolve(context);
  await requireDirectory(path, context);
  const file = await locateDockerfile(path, dockerfile);
  const text = await readDockerfile(file, shownName(file, path));
  return { path, ignore: await readIgnoreRules(path, file), dockerfile: { file: shownName(file, path), text } };
}

/** The rules of a directory used as a named context: its own .dockerignore. */
export async function readContextIgnore(path: string): Promise<readonly IgnoreRule[]> {
  const text = await readIfThere(join(path, ".dockerignore"));
  return text === undefined ? [] : parseDockerignore(text, ".dockerignore");
}

async function requireDirectory(path: string, asked: string): Promise<void> {
  const found = await statIfThere(path);
  if (found?.isDirectory() === true) return;
  const problem = found === undefined ? "does not exist" : "is not a directory";
  throw new BuildError("CONTEXT_NOT_FOUND", `build context ${asked} ${problem}`, {
    hint: "the last argument of build is the directory that COPY reads",
  });
}

/** `-f` is taken from the working directory, then from the context; without it `Dockerfile`, then `dockerfile`. */
async function locateDockerfile(context: string, asked: string | undefined): Promise<string> {
  const candidates =
    asked === undefined
      ? [join(context, "Dockerfile"), join(context, "dockerfile")]
      : [resolve(asked), resolve(context, asked)];
  for (const candidate of candidates) {
    const found = await statIfThere(candidate);
    if (found?.isFile() === true) return candidate;
    if (found !== undefined) {
      throw new BuildError(
        "DOCKERFILE_UNREADABLE",
        `${shownName(candidate, context)} is not a file but ${kindOf(found)}`,
        {
          hint: found.isDirectory() ? "name the file itself: -f DIR/Dockerfile" : undefined,
        },
      );
    }
  }
  throw await dockerfileNotFound(context, asked);
}

async function dockerfileNotFound(context: string, asked: string | undefined): Promise<BuildError> {
  const near = suggest(basename(asked ?? "Dockerfile"), await readdirOrEmpty(context));
  return new BuildError("DOCKERFILE_NOT_FOUND", `there is no ${asked ?? "Dockerfile"} in ${context}`, {
    hint: near === undefined ? "name it with -f" : `did you mean ${near}?`,
  });
}

function kindOf(found: { isDirectory(): boolean; isFIFO(): boolean }): string {
  if (found.isDirectory()) return "a directory";
  return found.isFIFO() ? "a pipe" : "a special file";
}

async function readDockerfile(path: string, name: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_DOCKERFILE_BYTES) {
    throw new BuildError("DOCKERFILE_UNREADABLE", `${name} has ${size} bytes, more than a Dockerfile may have`);
  }
  const bytes = await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new BuildError("DOCKERFILE_UNREADABLE", `${name} is not UTF-8 text`, { cause });
  }
}

async function readIgnoreRules(context: string, dockerfile: string): Promise<readonly IgnoreRule[]> {
  const own = `${dockerfile}.dockerignore`;
  for (const file of [own, join(context, ".dockerignore")]) {
    const text = await readIfThere(file);
    if (text !== undefined) return parseDockerignore(text, shownName(file, context));
  }
  return [];
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A path as messages name it: from the working directory, else from the context, else whole. */
function shownName(path: string, context: string): string {
  for (const from of [process.cwd(), context]) {
    const short = relative(from, path);
    if (short !== "" && !short.startsWith("..")) return short;
  }
  return path;
}
