import type { Digest } from "../../registry-client/index.ts";
import { type GitReference, httpFilename, redactAddresses } from "../dockerfile/index.ts";
import type { AddInstruction, Word } from "../dockerfile/instructions.ts";
import type { BuildError } from "../errors.ts";
import { createVertex, edge, type Op } from "../llb/index.ts";
import type { ReadPath } from "./copy.ts";
import { type BuildScope, failure } from "./scope.ts";

/** A source of ADD that is somewhere else. */
export interface RemoteSource {
  readonly word: Word;
  /** The word with its variables. */
  readonly text: string;
  readonly instruction: AddInstruction;
  /** `--checksum`, expanded. */
  readonly checksum: Word | undefined;
}

/** A file at an HTTP address; unpacked only with `--unpack`. Throws INVALID_CHECKSUM. */
export function addedHttp(scope: BuildScope, remote: RemoteSource): ReadPath {
  const { word, text, instruction, checksum } = remote;
  const filename = httpFilename(text);
  const op: Op = {
    type: "http",
    url: text,
    filename,
    ...(checksum === undefined ? {} : { checksum: parseChecksum(scope, checksum) }),
  };
  return { ...fetched(op, word, text), path: `/${filename}`, unpack: instruction.unpack ?? false };
}

/** All files of a commit. Throws INVALID_CHECKSUM, INVALID_FLAG. */
export function addedGit(scope: BuildScope, remote: RemoteSource, written: GitReference): ReadPath {
  const { word, text } = remote;
  const checksum = agreedChecksum(scope, remote, written);
  const keepGitDir = agreedGitDir(scope, remote, written);
  const reference: GitReference = {
    ...written,
    ...(checksum === undefined ? {} : { checksum }),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
  };
  return { ...fetched({ type: "git", reference }, word, text), path: "/" };
}

function fetched(op: Op, word: Word, text: string): Pick<ReadPath, "fetched" | "text" | "range"> {
  const vertex = createVertex(op, [], { name: redactAddresses(text), range: word.range });
  return { fetched: edge(vertex), text, range: word.range };
}

/** go-digest's Parse. Throws INVALID_CHECKSUM. */
function parseChecksum(scope: BuildScope, checksum: Word): Digest {
  const [, algorithm, hex] = /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(checksum.text) ?? [];
  if (algorithm === undefined || hex === undefined) throw invalid(scope, checksum, "invalid checksum digest format");
  if (algorithm !== "sha256") throw invalid(scope, checksum, "unsupported digest algorithm");
  if (hex.length !== 64) throw invalid(scope, checksum, "invalid checksum digest length");
  if (!/^[0-9a-f]*$/.test(hex)) throw invalid(scope, checksum, "invalid checksum digest format");
  return checksum.text as Digest;
}

function invalid(scope: BuildScope, { range }: Word, message: string): BuildError {
  const hint = "a checksum is sha256: and 64 lower-case hexadecimal digits";
  return failure(scope, range, "INVALID_CHECKSUM", message, hint);
}

function agreedChecksum(scope: BuildScope, { checksum }: RemoteSource, written: GitReference): string | undefined {
  if (checksum === undefined) return written.checksum;
  if (!/^[0-9a-fA-F]+$/.test(checksum.text)) {
    const message = `invalid checksum ${checksum.text} for Git URL, expected hex commit hash`;
    throw failure(scope, checksum.range, "INVALID_CHECKSUM", message);
  }
  if (written.checksum === undefined || written.checksum === checksum.text) return checksum.text;
  const message = `checksum mismatch ${JSON.stringify(checksum.text)} != ${JSON.stringify(written.checksum)}`;
  throw failure(scope, checksum.range, "INVALID_CHECKSUM", message, "write it once: as --checksum, or in the address");
}

function agreedGitDir(
  scope: BuildScope,
  { word, instruction }: RemoteSource,
  written: GitReference,
): boolean | undefined {
  const { keepGitDir } = instruction;
  if (keepGitDir === undefined || written.keepGitDir === undefined || keepGitDir === written.keepGitDir) {
    return keepGitDir ?? written.keepGitDir;
  }
  const hint = "write it once: as --keep-git-dir, or in the address";
  throw failure(scope, word.range, "INVALID_FLAG", "inconsistent keep-git-dir configuration", hint);
}
