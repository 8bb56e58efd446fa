import { type RootfsMount, RuntimeError, type TreeSelection } from "../../runtime-core/index.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import { BuildError, type BuildErrorOptions } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import { accountHint } from "./account-hint.ts";
import type { OpContext } from "./context.ts";
import { sourceHint } from "./source-hint.ts";

/** What a file op was at when it failed. */
export interface FileWork {
  readonly vertex: Vertex;
  /** What was read, if something was. */
  readonly reading?: TreeSelection | undefined;
  /** The root that was to be changed, as it was before. */
  readonly root?: RootfsMount;
}

/** A failure of COPY or WORKDIR in the Dockerfile's terms, at the word at fault; anything but a RuntimeError stays as it is. */
export async function fileError(error: unknown, work: FileWork, context: OpContext): Promise<unknown> {
  if (!(error instanceof RuntimeError)) return error;
  const { vertex, reading } = work;
  const subject = error.subject ?? "";
  const at = (word: string): BuildErrorOptions => ({ ...place(vertex, word), source: context.source, cause: error });
  switch (error.code) {
    case "NOT_FOUND":
      if (reading === undefined) break;
      return new BuildError(...missingSource(vertex, subject), {
        ...place(vertex, subject),
        source: context.source,
        hint: await sourceHint(reading, subject),
      });
    case "USER_NOT_FOUND":
    case "GROUP_NOT_FOUND":
      return new BuildError(error.code, `unknown ${kindOf(error.code)} ${subject}: ${error.reason}`, {
        ...at("--chown"),
        hint: await accountHint(error.code, subject, work.root),
      });
    case "CONFLICT":
      if (reading === undefined) {
        const message = error.reason.replace(
          "cannot copy to non-directory",
          "cannot make a directory in a non-directory",
        );
        return new BuildError("WORKDIR_CONFLICT", message, at(""));
      }
      return new BuildError("COPY_CONFLICT", error.reason, at("destination"));
    case "SEVERAL_SOURCES":
      return new BuildError("COPY_SEVERAL_SOURCES", severalSources(vertex), {
        ...at("destination"),
        hint: "put a / behind the destination",
      });
    case "BAD_PATTERN":
      return new BuildError(error.code, `${error.reason}: ${withoutRoot(subject)}`, {
        ...at(subject),
        hint: "close every [ and put \\ before a character",
      });
    case "ARCHIVE_CORRUPT":
    case "ARCHIVE_TOO_LARGE":
    case "ARCHIVE_UNSAFE_PATH":
    case "ARCHIVE_UNSUPPORTED":
      return new BuildError(error.code, error.message, {
        ...at(subject),
        hint: "to copy the file as it is, use COPY or ADD --unpack=false",
      });
    case "NO_SPACE":
      return new BuildError("NO_SPACE", error.message, {
        ...at(""),
        hint: "free some space, or put the store elsewhere with --store",
      });
  }
  return new BuildError(error.code, error.message, { ...at(""), hint: error.hint });
}

function kindOf(code: string): string {
  return code === "USER_NOT_FOUND" ? "user" : "group";
}

/** A path as a Dockerfile writes a source; the root itself stays `/`. */
function withoutRoot(path: string): string {
  return path.replace(/^\/+(?=.)/, "");
}

/** Files of a context are copied for a mount, too. */
function missingSource({ wordRanges }: Vertex, path: string): readonly [code: string, message: string] {
  if (wordRanges?.has("--mount")) return ["MOUNT_SOURCE_NOT_FOUND", `mount source not found: ${path}`];
  return ["COPY_SOURCE_NOT_FOUND", `COPY source not found: ${withoutRoot(path)}`];
}

/** The word, else the whole instruction. */
function place({ wordRanges, range }: Vertex, word: string): { readonly range?: SourceRange } {
  const found = wordRanges?.get(word) ?? range;
  return found === undefined ? {} : { range: found };
}

function severalSources({ name }: Vertex): string {
  const keyword = /^(?:\[[^\]]*\] )?(?:ONBUILD )?ADD /.test(name) ? "ADD" : "COPY";
  return `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`;
}
