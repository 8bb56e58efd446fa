import type { ActiveSnapshot, Snapshot } from "../../layers/index.ts";
import {
  applyFileActions,
  type Capability,
  type RunSandboxOptions,
  type SandboxIo,
  type SandboxMount,
  type SandboxResult,
  type TerminalSize,
} from "../../runtime-core/index.ts";
import type { ExecOp, Vertex } from "../llb/index.ts";
import type { OpContext } from "./context.ts";
import { sandboxSpec, startSandbox } from "./exec.ts";
import { byTarget } from "./mounts.ts";

/** What a container is beside its command. */
export interface Container {
  readonly root: Snapshot;
  readonly terminal?: TerminalSize;
  readonly readOnlyRoot: boolean;
  readonly droppedCapabilities: readonly Capability[];
  readonly mounts: readonly SandboxMount[];
  /** Directories that can be written where the root cannot. */
  readonly volumes: readonly string[];
}

/** Runs a command as RUN does, on a root that is thrown away with all that was written to it. */
export async function runContainer(
  vertex: Vertex,
  op: ExecOp,
  container: Container,
  io: SandboxIo,
  context: OpContext,
  options: RunSandboxOptions,
): Promise<SandboxResult> {
  const { snapshotter } = context.store;
  const roots: ActiveSnapshot[] = [];
  const open = async (directories: readonly string[]) => {
    const active = await snapshotter.prepare(container.root, options);
    roots.push(active);
    await makeDirectories(active, directories, context, options);
    return active;
  };
  try {
    const active = await open([op.cwd, ...container.volumes]);
    const volumes = container.readOnlyRoot === true ? container.volumes : [];
    const mounts = [
      ...(await Promise.all(volumes.map(async (path) => volume(path, await open([path]))))),
      ...container.mounts,
    ];
    const mounted = { mounts: lastOfEach(mounts).sort(byTarget), env: [], release: async () => {} };
    const spec = await sandboxSpec(vertex, op, { active, mounted }, context);
    const { terminal, readOnlyRoot, droppedCapabilities } = container;
    const asked = { ...(terminal === undefined ? {} : { terminal }), readOnlyRoot, droppedCapabilities };
    return await startSandbox(vertex, { ...spec, ...asked }, io, context, options);
  } finally {
    await Promise.all(roots.map((active) => snapshotter.discard(active)));
  }
}

/** A directory of the image that can be written though the root cannot: on an upper of its own. */
function volume(path: string, { rootfs }: ActiveSnapshot): SandboxMount {
  return { type: "rootfs", rootfs, path, target: path, readonly: false };
}

/** A mount that was asked for takes the place of the image's volume. */
function lastOfEach(mounts: readonly SandboxMount[]): SandboxMount[] {
  return [...new Map(mounts.map((mount) => [mount.target, mount])).values()];
}

/** Those that are missing, as docker makes them: of root, with mode 0755. */
async function makeDirectories(
  { rootfs }: ActiveSnapshot,
  paths: readonly string[],
  { sourceDateEpoch }: OpContext,
  { signal }: RunSandboxOptions,
): Promise<void> {
  const missing = [...new Set(paths)].filter((path) => path !== "/");
  const owner = { uid: 0, gid: 0 };
  const actions = missing.map((path) => ({ type: "mkdir", path, mode: 0o755, owner }) as const);
  if (actions.length === 0) return;
  await applyFileActions(rootfs, actions, { sourceDateEpoch, ...(signal === undefined ? {} : { signal }) });
}
