import { posix } from "node:path";
import { listDirectory, RuntimeError, type TreeSelection } from "../../runtime-core/index.ts";
import { BuildError } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import { suggest } from "../suggest.ts";
import type { OpContext } from "./context.ts";

/** A failure of COPY or WORKDIR in the Dockerfile's terms; anything but a RuntimeError stays as it is. */
export async function fileError(
  error: unknown,
  vertex: Vertex,
  reading: TreeSelection | undefined,
  context: OpContext,
): Promise<unknown> {
  if (!(error instanceof RuntimeError)) return error;
  const at = { cause: error, range: vertex.range, source: context.source };
  const subject = error.subject ?? "";
  switch (error.code) {
    case "NOT_FOUND":
      if (reading === undefined) break;
      return new BuildError("COPY_SOURCE_NOT_FOUND", `COPY source not found: ${relative(subject)}`, {
        range: vertex.wordRanges?.get(subject) ?? vertex.range,
        source: context.source,
        hint: await sourceHint(reading, subject),
      });
    case "USER_NOT_FOUND":
    case "GROUP_NOT_FOUND":
      return new BuildError(error.code, error.message, {
        ...at,
        hint: "names come from the image's own /etc/passwd and /etc/group; a number always works",
      });
    case "CONFLICT":
      return new BuildError("COPY_CONFLICT", error.message, at);
    case "NO_SPACE":
      return new BuildError("NO_SPACE", error.message, {
        ...at,
        hint: "free some space, or put the store elsewhere with --store",
      });
  }
  return new BuildError(error.code, error.message, { ...at, hint: error.hint });
}

async function sourceHint(reading: TreeSelection, path: string): Promise<string | undefined> {
  if (reading.source.ignore !== undefined && (await isIgnored(reading, path))) {
    return "it is there, but .dockerignore leaves it out of the context";
  }
  const directory = posix.dirname(path);
  const near = suggest(posix.basename(path), await listDirectory(reading.source, directory));
  return near === undefined ? undefined : `did you mean ${relative(posix.join(directory, near))}?`;
}

async function isIgnored(reading: TreeSelection, path: string): Promise<boolean> {
  const siblings = await listDirectory({ rootfs: reading.source.rootfs }, posix.dirname(path));
  return siblings.includes(posix.basename(path));
}

function relative(path: string): string {
  return path.replace(/^\/+/, "");
}
