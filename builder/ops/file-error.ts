import { type RootfsMount, RuntimeError, type TreeSelection } from "../../runtime-core/index.ts";
import { BuildError } from "../errors.ts";
import type { Vertex } from "../llb/index.ts";
import { accountHint } from "./account-hint.ts";
import type { OpContext } from "./context.ts";
import { placeOf } from "./place.ts";
import { sourceHint } from "./source-hint.ts";

/** What a file op was at when it failed. */
export interface FileWork {
  readonly vertex: Vertex;
  /** What was read, if something was. */
  readonly reading?: TreeSelection | undefined;
  /** The root that was to be changed, as it was before. */
  readonly root?: RootfsMount;
}

/** A failure of COPY, WORKDIR or a mount in the Dockerfile's terms, at the word at fault; anything but a RuntimeError stays as it is. */
export async function fileError(error: unknown, work: FileWork, context: OpContext): Promise<unknown> {
  if (!(error instanceof RuntimeError)) return error;
  const told = await explain(error, work);
  const { code = error.code, message = error.message, word = error.subject, hint } = told;
  const cause = told.isWhole === true ? undefined : error;
  return new BuildError(code, message, { ...placeOf(work.vertex, context, word), hint, cause });
}

/** What is not said stays as the error has it; the word is its subject. */
interface Explanation {
  readonly code?: string;
  readonly message?: string;
  /** Its key in the vertex's `wordRanges`. */
  readonly word?: string;
  readonly hint?: string | undefined;
  /** The error itself has nothing to add. */
  readonly isWhole?: boolean;
}

function explain(error: RuntimeError, work: FileWork): Explanation | Promise<Explanation> {
  switch (error.code) {
    case "NOT_FOUND":
      return work.reading === undefined ? { hint: error.hint } : missingSource(error, work.vertex, work.reading);
    case "USER_NOT_FOUND":
    case "GROUP_NOT_FOUND":
      return unknownAccount(error, error.code, work.root);
    case "CONFLICT":
      return work.reading === undefined ? workdirConflict(error) : copyConflict(error);
    case "SEVERAL_SOURCES":
      return severalSources(work.vertex);
    case "BAD_PATTERN":
      return badPattern(error);
    case "ARCHIVE_CORRUPT":
    case "ARCHIVE_TOO_LARGE":
    case "ARCHIVE_UNSAFE_PATH":
    case "ARCHIVE_UNSUPPORTED":
      return badArchive(work.vertex);
    case "NO_SPACE":
      return { hint: "free some space, or put the store elsewhere with --store" };
    default:
      return { hint: error.hint };
  }
}

async function missingSource(error: RuntimeError, vertex: Vertex, reading: TreeSelection): Promise<Explanation> {
  const { subject: path = "" } = error;
  const hint = await sourceHint(reading, path);
  const [code, message] = isForMount(vertex)
    ? ["MOUNT_SOURCE_NOT_FOUND", `mount source not found: ${path}`]
    : ["COPY_SOURCE_NOT_FOUND", `COPY source not found: ${withoutRoot(path)}`];
  return { code, message, hint, isWhole: true };
}

/** No instruction unpacks the archive that is the context. */
function badArchive({ range }: Vertex): Explanation {
  return range === undefined
    ? { hint: "it is the archive of the build context: pack that anew, from a directory" }
    : { hint: "to copy the file as it is, use COPY or ADD --unpack=false" };
}

/** A RUN reads what it mounts; files of a context are copied for it first. */
function isForMount({ op, wordRanges }: Vertex): boolean {
  return op.type === "exec" || wordRanges?.has("--mount") === true;
}

async function unknownAccount(
  { subject = "", reason }: RuntimeError,
  code: "USER_NOT_FOUND" | "GROUP_NOT_FOUND",
  root: RootfsMount | undefined,
): Promise<Explanation> {
  const kind = code === "USER_NOT_FOUND" ? "user" : "group";
  const hint = await accountHint(code, subject, root);
  return { message: `unknown ${kind} ${subject}: ${reason}`, word: "--chown", hint };
}

function workdirConflict({ reason }: RuntimeError): Explanation {
  const message = reason.replace("cannot copy to non-directory", "cannot make a directory in a non-directory");
  return { code: "WORKDIR_CONFLICT", message };
}

function copyConflict({ reason }: RuntimeError): Explanation {
  return { code: "COPY_CONFLICT", message: reason, word: "destination" };
}

function severalSources({ name }: Vertex): Explanation {
  const keyword = /^(?:\[[^\]]*\] )?(?:ONBUILD )?ADD /.test(name) ? "ADD" : "COPY";
  return {
    code: "COPY_SEVERAL_SOURCES",
    message: `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`,
    word: "destination",
    hint: "put a / behind the destination",
  };
}

function badPattern({ subject = "", reason }: RuntimeError): Explanation {
  const hint = "close every [ and put \\ before a character";
  return { message: `${reason}: ${withoutRoot(subject)}`, hint };
}

/** A path as a Dockerfile writes a source; the root itself stays `/`. */
function withoutRoot(path: string): string {
  return path.replace(/^\/+(?=.)/, "");
}
