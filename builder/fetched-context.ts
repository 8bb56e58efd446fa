import { mkdir } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Snapshot, Store } from "../layers/index.ts";
import { listDirectory, RuntimeError, readFile } from "../runtime-core/index.ts";
import { isArchiveFile } from "./archive-format.ts";
import type { BuildInput } from "./build-input.ts";
import type { RemoteAddress } from "./context-address.ts";
import { archiveRoot, DOWNLOADED, downloadRoot, emptyContext, gitRoot, savedRoot } from "./context-vertices.ts";
import type { FetchedContext } from "./dispatch/index.ts";
import { redactAddresses, type SourceFile } from "./dockerfile/index.ts";
import { decodeDockerfile, dockerfileNames, MAX_DOCKERFILE_BYTES } from "./dockerfile-text.ts";
import { BuildError } from "./errors.ts";
import type { Edge } from "./llb/index.ts";
import { suggest } from "./suggest.ts";

/** No context of standard input is larger. */
const MAX_INPUT_BYTES = 64 * 2 ** 30;

/** What fetching takes of the build. */
export interface FetchTools {
  readonly store: Store;
  /** The result of a vertex that is needed before there is a graph. */
  readonly solve: (target: Edge) => Promise<Snapshot>;
}

/** A context that was fetched, with the path of its Dockerfile where it is no matter of choice. */
export interface Fetched {
  readonly files: FetchedContext;
  readonly dockerfile?: string;
}

/** A named context: fetched when something reads it. An archive is unpacked; any other file is `context`. */
export function remoteContext(address: RemoteAddress, name: string): FetchedContext {
  if (address.type === "git") return fetched(gitRoot(address.reference, name));
  return fetched(archiveRoot(downloadRoot(address.url, DOWNLOADED, name), `${name} unpack`));
}

/** A build context that is a git repository, or a URL: of an archive, or of a Dockerfile, which then is its only file. */
export async function fetchContext(
  address: RemoteAddress,
  keepGitDir: boolean,
  { store, solve }: FetchTools,
): Promise<Fetched> {
  if (address.type === "git") {
    const reference = keepGitDir ? { ...address.reference, keepGitDir } : address.reference;
    return { files: fetched(gitRoot(reference, `[internal] load git source ${redactAddresses(reference.remote)}`)) };
  }
  const file = downloadRoot(address.url, DOWNLOADED, "[internal] load remote build context");
  const [directory = ""] = store.snapshotter.view(await solve(file)).lowers;
  if (!(await isArchiveFile(join(directory, DOWNLOADED)))) return { files: fetched(file), dockerfile: DOWNLOADED };
  return { files: fetched(archiveRoot(file, "[internal] unpack remote build context")) };
}

/** Standard input as files: those of an archive, none where it is a Dockerfile. */
export async function inputContext(input: BuildInput, { store }: FetchTools): Promise<FetchedContext> {
  if (!input.isArchive) return fetched(emptyContext());
  const directory = store.workspace.path();
  await mkdir(directory);
  await input.save(join(directory, DOWNLOADED), MAX_INPUT_BYTES);
  return fetched(archiveRoot(savedRoot(directory), "[internal] unpack build context"));
}

/** Reads the Dockerfile of a context that was fetched. Throws DOCKERFILE_NOT_FOUND, DOCKERFILE_UNREADABLE. */
export async function readFetchedDockerfile(
  { root }: FetchedContext,
  asked: string | undefined,
  { store, solve }: FetchTools,
): Promise<SourceFile> {
  const rootfs = store.snapshotter.view(await solve(root));
  const file = posix.join("/", asked ?? "Dockerfile").slice(1);
  for (const name of dockerfileNames(file)) {
    const bytes = await readIfThere(rootfs, name);
    if (bytes !== undefined) return { file: name, text: decodeDockerfile(bytes, name) };
  }
  const near = suggest(posix.basename(file), await listDirectory({ rootfs }, posix.dirname(`/${file}`)));
  throw new BuildError("DOCKERFILE_NOT_FOUND", `there is no ${file} in the build context`, {
    hint: near === undefined ? "name it with -f, as it is called in the context" : `did you mean ${near}?`,
  });
}

/** A Dockerfile at a URL. Throws what fetching throws, and DOCKERFILE_UNREADABLE. */
export async function readRemoteDockerfile(url: string, { store, solve }: FetchTools): Promise<SourceFile> {
  const name = "Dockerfile";
  const file = downloadRoot(url, name, `[internal] load remote dockerfile ${redactAddresses(url)}`);
  const bytes = await readIfThere(store.snapshotter.view(await solve(file)), name);
  if (bytes === undefined) throw new Error("a file that was downloaded is not there");
  return { file: name, text: decodeDockerfile(bytes, name) };
}

function fetched(root: Edge): FetchedContext {
  return { root, ignore: [] };
}

/** Links are followed inside the context only. */
async function readIfThere(rootfs: Parameters<typeof readFile>[0], name: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(rootfs, `/${name}`, MAX_DOCKERFILE_BYTES);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    if (error.code === "NOT_FOUND") return undefined;
    throw new BuildError("DOCKERFILE_UNREADABLE", `cannot read ${name} of the build context: ${error.message}`, {
      cause: error,
    });
  }
}
