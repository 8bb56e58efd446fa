import { lstat, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { EMPTY_SNAPSHOT, type Snapshot } from "../../layers/index.ts";
import type { CallOptions } from "../../registry-client/index.ts";
import { applyFileActions, type IgnoreRule } from "../../runtime-core/index.ts";
import { compileIgnorePatterns, type GitReference, redactAddresses } from "../dockerfile/index.ts";
import { BuildError } from "../errors.ts";
import type { SourceContext } from "./context.ts";
import { checkOut } from "./git-checkout.ts";
import { gitError } from "./git-error.ts";
import type { GitCommit } from "./git-resolve.ts";
import { withGit } from "./git-session.ts";
import { SourceRecord } from "./source-record.ts";

/**
 * The files of a commit as a snapshot: its subdir where one is wanted, submodules, no `.git` unless it is asked for. Owned by
 * root, 0644 or 0755, every time the epoch. What an earlier build has checked out is taken from the store.
 *
 * Nothing that a repository holds is executed, and nothing is read or written outside the checkout.
 * Throws BuildError: GIT_FAILED, GIT_MISSING, GIT_SUBDIR_NOT_FOUND; the signal's reason when aborted.
 */
export async function checkoutGit(
  reference: GitReference,
  commit: GitCommit,
  context: SourceContext,
  options: CallOptions = {},
): Promise<Snapshot> {
  const record = new SourceRecord(context.store, "git", gitIdentity(reference, commit, context));
  const known = await knownSnapshot(record, context);
  if (known !== undefined) return known;
  try {
    return await withGit(reference.remote, context, options, async (git) => {
      const tree = await checkOut(reference, commit, git);
      const snapshot = await snapshotOf(await subdirOf(tree, reference), keepsGitDir(reference), context, options);
      record.write({ snapshot: snapshot.id });
      return snapshot;
    });
  } catch (error) {
    throw gitError(error, reference.remote);
  }
}

/** What decides the files of a checkout, in a fixed order: also the cache key of a git op. */
export function gitIdentity(reference: GitReference, { commit, refName }: GitCommit, context: SourceContext): unknown {
  const isKept = keepsGitDir(reference);
  const submodules = reference.submodules ?? true;
  const where = reference.subdir ?? "";
  return [
    redactAddresses(reference.remote),
    commit,
    where,
    submodules,
    isKept,
    isKept ? refName : "",
    context.sourceDateEpoch,
  ];
}

/** A subdirectory has no `.git` of its own. */
function keepsGitDir({ keepGitDir, subdir }: GitReference): boolean {
  return keepGitDir === true && isWhole(subdir);
}

function isWhole(subdir: string | undefined): boolean {
  return subdir === undefined || join("/", subdir) === "/";
}

async function knownSnapshot(record: SourceRecord, { store }: SourceContext): Promise<Snapshot | undefined> {
  const known = record.read() as { readonly snapshot?: unknown } | undefined;
  return typeof known?.snapshot === "string" ? await store.snapshotter.find(known.snapshot) : undefined;
}

/** A symbolic link in a repository may lead anywhere: what it leads to counts only inside the checkout. */
async function subdirOf(tree: string, { subdir, remote }: GitReference): Promise<string> {
  if (subdir === undefined || isWhole(subdir)) return tree;
  const root = await realpath(tree);
  // Whatever keeps it from being resolved (it is missing, it leads in a circle), it is no directory of the commit.
  const path = await realpath(join(root, join("/", subdir))).catch(() => undefined);
  if (path?.startsWith(root + sep) === true && (await lstat(path)).isDirectory()) return path;
  throw new BuildError("GIT_SUBDIR_NOT_FOUND", `subdir ${subdir} not found in ${redactAddresses(remote)}`, {
    hint: "it must be a directory of the commit that is checked out",
  });
}

/** Native and in one pass: what git wrote, with the owner, times and names that a snapshot has. */
async function snapshotOf(
  directory: string,
  withGitDir: boolean,
  { store, sourceDateEpoch }: SourceContext,
  options: CallOptions,
): Promise<Snapshot> {
  const active = await store.snapshotter.prepare(EMPTY_SNAPSHOT, options);
  try {
    const source = { rootfs: { lowers: [directory] }, isContext: true };
    const selection = { source, paths: ["/"], wildcards: false, ...(withGitDir ? {} : { exclude: NO_GIT_DIR }) };
    await applyFileActions(active.rootfs, [{ type: "copy", selection, dest: "/" }], { ...options, sourceDateEpoch });
    return await store.snapshotter.commit(active);
  } catch (error) {
    await store.snapshotter.discard(active);
    throw error;
  }
}

/** Submodules have a file of that name, which leads to a directory of this machine. */
const NO_GIT_DIR: readonly IgnoreRule[] = compileIgnorePatterns(["**/.git"]);
