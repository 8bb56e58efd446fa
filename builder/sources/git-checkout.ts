import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type GitReference, redactAddresses } from "../dockerfile/index.ts";
import { GitFailure } from "./git-process.ts";
import type { GitCommit } from "./git-resolve.ts";
import type { GitSession } from "./git-session.ts";

/** Fetches a commit and writes its files, with its submodules, into the session's directory; `.git` is there too. */
export async function checkOut(reference: GitReference, commit: GitCommit, git: GitSession): Promise<string> {
  const format = commit.commit.length === 64 ? "sha256" : "sha1";
  await git.run(["init", "--quiet", "--template=", `--object-format=${format}`]);
  await git.run(["config", "remote.origin.url", reference.remote]);
  await fetchCommit(reference, commit, git);
  await git.run(["checkout", "--quiet", "--force", "--detach", commit.commit, "--"]);
  if (reference.submodules !== false && existsSync(join(git.directory, ".gitmodules"))) {
    await git.run(["submodule", "--quiet", "update", "--init", "--recursive", "--force", "--depth=1"]);
  }
  if (reference.keepGitDir === true) await settleGitDir(reference, commit, git);
  return git.directory;
}

/** As little as the server lets us: the commit alone, its ref alone, or everything. */
async function fetchCommit(
  { remote }: GitReference,
  { commit, refName, tag }: GitCommit,
  git: GitSession,
): Promise<void> {
  const fetch = (...args: readonly string[]) => git.run(["fetch", "--quiet", "--no-write-fetch-head", ...args]);
  const attempts = [
    () => fetch("--depth=1", "--no-tags", "--", remote, tag ?? commit),
    ...(refName === undefined ? [] : [() => fetch("--depth=1", "--no-tags", "--", remote, refName)]),
    () => fetch("--tags", "--", remote, "+refs/*:refs/tsbuild/*"),
  ];
  let failure: unknown;
  for (const attempt of attempts) {
    try {
      await attempt();
      await git.run(["cat-file", "-e", `${commit}^{commit}`]);
      return;
    } catch (error) {
      if (!(error instanceof GitFailure) || isHopeless(error)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

/** What no other way of asking can change. */
function isHopeless({ stderr }: GitFailure): boolean {
  return /Authentication failed|could not read Username|Permission denied|not found|Could not resolve host|refused/i.test(
    stderr,
  );
}

/** `.git` with nothing in it of this machine or of this hour: no times, no logs, packs of one order, no password. */
async function settleGitDir({ remote }: GitReference, { refName, tag }: GitCommit, git: GitSession): Promise<void> {
  await git.run(["config", "remote.origin.url", redactAddresses(remote)]);
  if (refName?.startsWith("refs/tags/") === true) await git.run(["update-ref", refName, tag ?? "HEAD"]);
  // What a server made us fetch beside the commit is not asked for.
  await rm(join(git.directory, ".git/refs/tsbuild"), { recursive: true, force: true });
  await git.run(["repack", "-a", "-d", "-f", "-q", "--threads=1"]);
  await git.run(["read-tree", "HEAD"]);
  for (const name of ["FETCH_HEAD", "ORIG_HEAD", "logs"]) {
    await rm(join(git.directory, ".git", name), { recursive: true, force: true });
  }
}
