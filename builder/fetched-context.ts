import type { ContextTools } from "./build-context.ts";
import type { BuildInput } from "./build-input.ts";
import type { ContextAddress } from "./context-address.ts";
import type { FetchedContext } from "./dispatch/index.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { createVertex, type Edge, edge } from "./llb/index.ts";
import type { BuildOptions } from "./options.ts";

/** A context that was fetched, with the path of its Dockerfile. */
export interface Fetched {
  readonly files: FetchedContext;
  readonly dockerfile: string | undefined;
}

/** A named context: fetched when something reads it. */
export function remoteContext(_address: Exclude<ContextAddress, { type: "directory" }>, name: string): FetchedContext {
  throw unsupported(name);
}

export async function fetchContext(
  _address: Exclude<ContextAddress, { type: "directory" }>,
  { context }: BuildOptions,
  _tools: ContextTools,
): Promise<Fetched> {
  throw unsupported(context);
}

/** Standard input as files: those of an archive, none where it is a Dockerfile. */
export async function inputContext(input: BuildInput, _tools: ContextTools): Promise<FetchedContext> {
  if (input.isArchive) throw unsupported("-");
  return { root: emptyDirectory(), ignore: [] };
}

export async function readFetchedDockerfile(
  _files: FetchedContext,
  _dockerfile: string | undefined,
  _tools: ContextTools,
): Promise<SourceFile> {
  throw unsupported("-");
}

export async function readRemoteDockerfile(url: string, _tools: ContextTools): Promise<SourceFile> {
  throw unsupported(url);
}

/** An empty directory rather than no root at all: `COPY . /` finds it. */
function emptyDirectory(): Edge {
  const scratch = edge(createVertex({ type: "scratch" }, [], { name: "[internal] empty root" }));
  return edge(createVertex({ type: "file", actions: [] }, [scratch], { name: "[internal] empty build context" }));
}

function unsupported(context: string): BuildError {
  return new BuildError("UNSUPPORTED_CONTEXT", `a context of this kind is not supported yet: ${context}`);
}
