import type { CallOptions, Digest } from "../../registry-client/index.ts";
import type { ExecMount, ExecOp, Vertex } from "../llb/index.ts";
import type { CacheMapInput, OpResult } from "../solver/index.ts";
import { selectionDigest } from "./content-key.ts";
import type { OpContext } from "./context.ts";
import { fileError } from "./file-error.ts";
import { treeSource } from "./inputs.ts";
import { opKey } from "./op-key.ts";

/** What of a mount is in the key of its step. Which cache it is and who shares it does not count, nor what a secret holds. */
export function mountKey(mount: ExecMount): unknown {
  if (mount.type !== "cache") return mount;
  const { id: _, sharing: __, ...rest } = mount;
  return rest;
}

/** The root enters by its key; an input that is mounted, by the digest of what is mounted of it, since nothing of it is kept. */
export function mountInputKey(vertex: Vertex, op: ExecOp, index: number, context: OpContext): CacheMapInput {
  const paths = index === 0 ? [] : mountedPaths(op.mounts ?? [], index);
  if (paths.length === 0) return {};
  return { contentDigest: (input, options) => digestMounted(vertex, paths, input, context, options) };
}

function mountedPaths(mounts: readonly ExecMount[], input: number): readonly string[] {
  const paths = mounts.flatMap((mount) => {
    if (mount.type === "bind") return mount.input === input ? [mount.source] : [];
    if (mount.type !== "cache" || mount.initial.type !== "copy") return [];
    return mount.initial.input === input ? [mount.initial.source] : [];
  });
  return [...new Set(paths)].sort();
}

async function digestMounted(
  vertex: Vertex,
  paths: readonly string[],
  input: OpResult,
  context: OpContext,
  options: CallOptions,
): Promise<Digest> {
  const selection = { source: treeSource(input, context), paths, wildcards: false };
  try {
    return opKey("content", [await selectionDigest(selection, context, options)]);
  } catch (error) {
    throw await fileError(error, { vertex, reading: selection }, context);
  }
}
