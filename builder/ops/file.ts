import type { ActiveSnapshot } from "../../layers/index.ts";
import type { CallOptions, Digest } from "../../registry-client/index.ts";
import {
  applyFileActions,
  type FileAction,
  lookupOwner,
  type Owner,
  RuntimeError,
  type TreeSelection,
} from "../../runtime-core/index.ts";
import type { FileOp, FileOpAction, Vertex } from "../llb/index.ts";
import type { CacheMapInput, OpResult, OpRunner } from "../solver/index.ts";
import { selectionDigest } from "./content-key.ts";
import type { OpContext } from "./context.ts";
import { fileError } from "./file-error.ts";
import { baseSnapshot, treeSource } from "./inputs.ts";
import { opKey } from "./op-key.ts";

type CopyAction = Extract<FileOpAction, { type: "copy" }>;

/** COPY and WORKDIR: actions on a fresh upper. What is copied counts by content, not by how it was made. */
export function fileRunner(vertex: Vertex, op: FileOp, context: OpContext): OpRunner {
  return {
    cacheMap: async () => ({
      digest: opKey("file", [op.actions, context.sourceDateEpoch]),
      inputs: vertex.inputs.map((_, index) => inputKey(vertex, op, index, context)),
    }),
    exec: async (inputs, options) => {
      const active = await context.store.snapshotter.prepare(baseSnapshot(inputs), options);
      try {
        await applyActions(vertex, op, active, inputs, context, options);
        return { type: "snapshot", snapshot: await context.store.snapshotter.commit(active) };
      } catch (error) {
        await context.store.snapshotter.discard(active);
        throw error;
      }
    },
  };
}

/** The root that is changed enters by its key; an input that is read, by the digest of what is read of it. */
function inputKey(vertex: Vertex, op: FileOp, index: number, context: OpContext): CacheMapInput {
  const reads = op.actions.filter((action): action is CopyAction => action.type === "copy" && action.input === index);
  if (index === 0 || reads.length === 0) return {};
  return { contentDigest: (input, options) => digestReads(vertex, reads, input, context, options) };
}

async function digestReads(
  vertex: Vertex,
  reads: readonly CopyAction[],
  input: OpResult,
  context: OpContext,
  options: CallOptions,
): Promise<Digest> {
  const digests: string[] = [];
  for (const action of reads) {
    const selected = selection(action, input, context);
    try {
      digests.push(await selectionDigest(selected, context, options));
    } catch (error) {
      throw await fileError(error, { vertex, reading: selected }, context);
    }
  }
  return opKey("content", digests);
}

async function applyActions(
  vertex: Vertex,
  op: FileOp,
  active: ActiveSnapshot,
  inputs: readonly OpResult[],
  context: OpContext,
  options: CallOptions,
): Promise<void> {
  let reading: TreeSelection | undefined;
  try {
    const actions: FileAction[] = [];
    for (const action of op.actions) {
      reading = action.type === "copy" ? selection(action, inputs[action.input], context) : undefined;
      actions.push(await nativeAction(action, reading, active, context));
    }
    await applyFileActions(active.rootfs, actions, { ...options, sourceDateEpoch: context.sourceDateEpoch });
  } catch (error) {
    const root = context.store.snapshotter.view(active.parent);
    throw await fileError(error, { vertex, reading, root }, context);
  }
}

async function nativeAction(
  action: FileOpAction,
  reading: TreeSelection | undefined,
  active: ActiveSnapshot,
  context: OpContext,
): Promise<FileAction> {
  if (action.type === "mkdir") return { ...action, owner: await ownerOfWorkdir(action.owner, active, context) };
  const owner = await ownerOf(action.owner, active, context);
  switch (action.type) {
    case "mkfile":
      return {
        type: "mkfile",
        path: action.path,
        mode: action.mode,
        owner: owner ?? ROOT,
        data: Buffer.from(action.data, "utf8"),
      };
    case "copy":
      if (reading === undefined) throw new Error("a copy without a selection");
      return {
        type: "copy",
        selection: reading,
        dest: action.dest,
        ...(owner === undefined ? {} : { owner }),
        ...(action.mode === undefined ? {} : { mode: action.mode }),
        ...(action.unpack === undefined ? {} : { unpack: action.unpack }),
      };
  }
}

const ROOT: Owner = { uid: 0, gid: 0 };

async function ownerOf(
  owner: string | undefined,
  active: ActiveSnapshot,
  context: OpContext,
): Promise<Owner | undefined> {
  if (owner === undefined || owner === "") return undefined;
  return await lookupOwner(context.store.snapshotter.view(active.parent), owner);
}

/** A USER that the root does not know (yet) is no error of WORKDIR: the directory is root's then, as BuildKit makes it. */
async function ownerOfWorkdir(owner: string | undefined, active: ActiveSnapshot, context: OpContext): Promise<Owner> {
  try {
    return (await ownerOf(owner, active, context)) ?? ROOT;
  } catch (error) {
    const isUnknown = error instanceof RuntimeError && /^(?:USER|GROUP)_NOT_FOUND$/.test(error.code);
    if (isUnknown) return ROOT;
    throw error;
  }
}

function selection(action: CopyAction, input: OpResult | undefined, context: OpContext): TreeSelection {
  return {
    source: treeSource(input, context),
    paths: action.paths,
    wildcards: action.wildcards,
    ...(action.exclude === undefined ? {} : { exclude: action.exclude }),
    ...(action.include === undefined ? {} : { include: action.include }),
  };
}
