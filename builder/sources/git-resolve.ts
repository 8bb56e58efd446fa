import type { CallOptions } from "../../registry-client/index.ts";
import { type GitReference, redactAddresses } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import type { SourceContext } from "./context.ts";
import { gitError } from "./git-error.ts";
import { type GitSession, withGit } from "./git-session.ts";

/** A git reference that leads to one commit for ever. */
export interface GitCommit {
  /** SHA-1 or SHA-256, lower-case hex. */
  readonly commit: string;
  /** The full name it was found by, `refs/heads/main`; absent where the reference is a commit. */
  readonly refName?: string;
  /** The object of an annotated tag. */
  readonly tag?: string;
}

/**
 * Asks the remote which commit a reference is; a whole commit is taken as it is, without a question. Branches come before
 * tags of the same name, as git-checkout(1) has it.
 * Throws BuildError: GIT_REF_NOT_FOUND, GIT_FAILED, GIT_MISSING, CHECKSUM_MISMATCH, INVALID_CHECKSUM, INVALID_GIT_REFERENCE.
 */
export async function resolveGit(
  reference: GitReference,
  context: SourceContext,
  options: CallOptions = {},
): Promise<GitCommit> {
  checkReference(reference);
  const found = isCommit(reference.ref)
    ? { commit: reference.ref }
    : await withGit(reference.remote, context, options, (git) => lookUp(reference, git)).catch((error: unknown) => {
        throw gitError(error, reference.remote);
      });
  checkCommit(found, reference);
  return found;
}

/** Whether a ref is a whole commit: nothing has to be asked about it. */
function isCommit(ref: string | undefined): ref is string {
  return ref !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}

/** gitremote and ref names that git could take for options, or that no ref can have (git-check-ref-format(1)). */
function checkReference({ remote, ref, checksum }: GitReference): void {
  if (/^-|[\0-\x20\x7f]/.test(remote) || /^[a-z]+:\/\/(?:[^@/]*@)?-/i.test(remote)) {
    throw new BuildError("INVALID_GIT_REFERENCE", `invalid git remote: ${JSON.stringify(redactAddresses(remote))}`);
  }
  if (ref !== undefined && /^-|[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.lock$/.test(ref)) {
    throw new BuildError("INVALID_GIT_REFERENCE", `invalid git ref: ${JSON.stringify(ref)}`, {
      hint: "a ref is a branch, a tag or a commit",
    });
  }
  if (checksum !== undefined && !/^[0-9a-f]+$/i.test(checksum)) {
    throw new BuildError("INVALID_CHECKSUM", `invalid checksum ${checksum} for Git URL, expected hex commit hash`);
  }
}

function checkCommit({ commit, tag }: GitCommit, { checksum }: GitReference): void {
  const is = (id: string | undefined) => id?.startsWith(checksum?.toLowerCase() ?? "") === true;
  if (checksum === undefined || is(commit) || is(tag)) return;
  const got = tag === undefined ? commit : `${tag} or ${commit}`;
  throw new BuildError("CHECKSUM_MISMATCH", `expected checksum to match ${checksum}, got ${got}`, {
    hint: "the ref has moved, or the checksum is of another commit: name the commit itself to stay with it",
  });
}

async function lookUp({ remote, ref }: GitReference, git: GitSession): Promise<GitCommit> {
  const names = ref === undefined ? ["HEAD"] : [ref, `${ref}^{}`];
  const refs = parseRefs(await git.run(["ls-remote", "--quiet", "--", remote, ...names]));
  const asked = ref ?? "HEAD";
  const refName = [asked, `refs/heads/${asked}`, `refs/tags/${asked}`, `refs/${asked}`].find((name) => refs.has(name));
  const id = refs.get(refName ?? "");
  if (refName === undefined || id === undefined) throw refNotFound(asked, remote);
  const peeled = refs.get(`${refName}^{}`);
  return peeled === undefined ? { commit: id, refName } : { commit: peeled, refName, tag: id };
}

/** `id<TAB>name` lines. */
function parseRefs(output: string): ReadonlyMap<string, string> {
  const lines = output.split("\n").map((line) => /^([0-9a-f]{40}|[0-9a-f]{64})\t(\S+)$/.exec(line));
  return new Map(lines.flatMap((line) => (line === null ? [] : [[line[2] ?? "", line[1] ?? ""]])));
}

function refNotFound(ref: string, remote: string): BuildError {
  const shown = redactAddresses(remote);
  if (ref === "HEAD") {
    return new BuildError("GIT_REF_NOT_FOUND", `repository ${shown} has no default branch`, {
      hint: "name a branch, a tag or a commit after #",
    });
  }
  return new BuildError("GIT_REF_NOT_FOUND", `repository ${shown} does not contain ref ${ref}`, {
    hint: "it is no branch and no tag there; a commit needs all of its digits",
  });
}
