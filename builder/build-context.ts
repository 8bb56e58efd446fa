import { parseBoolean } from "./boolean.ts";
import { BuildInput } from "./build-input.ts";
import { type ContextAddress, parseContextAddress } from "./context-address.ts";
import type { ContextFiles } from "./dispatch/index.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import {
  type FetchTools,
  fetchContext,
  inputContext,
  readFetchedDockerfile,
  readRemoteDockerfile,
} from "./fetched-context.ts";
import { openLocalContext } from "./local-context.ts";
import { readLocalDockerfile } from "./local-dockerfile.ts";
import type { BuildOptions } from "./options.ts";

/** What a build starts from: the files that COPY reads, and the Dockerfile, which need not be one of them. */
export interface BuildContext {
  readonly files: ContextFiles;
  readonly dockerfile: SourceFile;
}

/** What opening a context takes of the build. */
export interface ContextTools extends FetchTools {
  /** Where the context is, looked at before anything else is done; undefined for standard input. */
  readonly address: ContextAddress | undefined;
}

/** Name of a Dockerfile that is no file, in messages. */
const UNNAMED = "Dockerfile";

/** Where the build context is; undefined for standard input. Throws CONTEXT_NOT_FOUND, INPUT_USED_TWICE. */
export async function locateContext({ context, dockerfile }: BuildOptions): Promise<ContextAddress | undefined> {
  if (context !== "-") return await parseContextAddress(context);
  if (dockerfile !== "-") return undefined;
  throw new BuildError("INPUT_USED_TWICE", "invalid argument: can't use stdin for both build context and dockerfile", {
    hint: "put the Dockerfile into the archive, and name it there with -f",
  });
}

/** Finds and reads what a build starts from. Throws BuildError with the reason when there is no context or no Dockerfile. */
export async function openBuildContext(options: BuildOptions, tools: ContextTools): Promise<BuildContext> {
  const { address } = tools;
  if (address === undefined) return await openInput(options, tools);
  if (address.type === "directory") return await openDirectory(address.path, options, tools);
  const outside = await outsideDockerfile(options, tools);
  const { files, dockerfile = options.dockerfile } = await fetchContext(address, keepsGitDir(options), tools);
  return { files, dockerfile: outside ?? (await readFetchedDockerfile(files, dockerfile, tools)) };
}

/** Standard input is an archive of files, or a Dockerfile that has none. */
async function openInput(options: BuildOptions, tools: ContextTools): Promise<BuildContext> {
  const input = await openBuildInput(options);
  const files = await inputContext(input, tools);
  if (input.isArchive) return { files, dockerfile: await readFetchedDockerfile(files, options.dockerfile, tools) };
  if (options.dockerfile === undefined) return { files, dockerfile: { file: UNNAMED, text: await input.text() } };
  throw new BuildError(
    "AMBIGUOUS_DOCKERFILE",
    "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles",
    { hint: "leave out -f, or pipe a tar archive of the context" },
  );
}

async function openDirectory(path: string, options: BuildOptions, tools: ContextTools): Promise<BuildContext> {
  const { store } = tools;
  const fileless = await filelessDockerfile(options, tools);
  if (fileless !== undefined) return { files: await openLocalContext(path, store.root), dockerfile: fileless };
  const { path: beside, source } = await readLocalDockerfile(path, options.dockerfile);
  return { files: await openLocalContext(path, store.root, beside), dockerfile: source };
}

/** A Dockerfile that is not in a remote context: it may be an absolute path of this machine. */
async function outsideDockerfile(options: BuildOptions, tools: ContextTools): Promise<SourceFile | undefined> {
  const { dockerfile } = options;
  if (dockerfile?.startsWith("/") === true) return (await readLocalDockerfile("/", dockerfile)).source;
  return await filelessDockerfile(options, tools);
}

/** A Dockerfile that is no file of this machine: of standard input, or a URL. */
async function filelessDockerfile(options: BuildOptions, tools: ContextTools): Promise<SourceFile | undefined> {
  const { dockerfile = "" } = options;
  if (dockerfile === "-") return { file: UNNAMED, text: await (await openBuildInput(options)).text() };
  return /^https?:\/\//.test(dockerfile) ? await readRemoteDockerfile(dockerfile, tools) : undefined;
}

/** `--build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1`. */
function keepsGitDir({ buildArgs }: BuildOptions): boolean {
  return parseBoolean(buildArgs?.["BUILDKIT_CONTEXT_KEEP_GIT_DIR"] ?? "") === true;
}

function openBuildInput({ input, signal }: BuildOptions): Promise<BuildInput> {
  return BuildInput.open(input ?? process.stdin, signal);
}
