import { type MountOptions, parseMount } from "../dockerfile/index.ts";
import type { MountFlag, Word } from "../dockerfile/instructions.ts";
import type { SourceRange } from "../dockerfile/source.ts";
import type { Edge, ExecMount } from "../llb/index.ts";
import { expandWord } from "./expand-word.ts";
import { MountInputs, type MountRequest, mountTarget } from "./mount-inputs.ts";
import { cacheMount } from "./mounts-cache.ts";
import { secretMount, sshMount } from "./mounts-secret.ts";
import { failure } from "./scope.ts";
import type { StageContext } from "./stage-context.ts";
import type { StageState } from "./stage-state.ts";

/** What the `--mount` flags of one RUN add to its vertex. */
export interface RunMounts {
  readonly mounts: readonly ExecMount[];
  /** The inputs behind the root, which `mounts` count from 1. */
  readonly inputs: readonly Edge[];
  /** For carets: by the path that is mounted, and by `mount TARGET`, `secret ID` and `ssh ID`. */
  readonly ranges: ReadonlyMap<string, SourceRange>;
  /** Variables that hold secrets: their names. */
  readonly secretVariables: readonly string[];
}

/** The mounts of a RUN, in their order. Throws INVALID_MOUNT at the field, and what its sources throw. */
export async function runMounts(
  state: StageState,
  flags: readonly MountFlag[],
  context: StageContext,
): Promise<RunMounts> {
  const inputs = new MountInputs();
  const mounts: ExecMount[] = [];
  for (const flag of flags) {
    const options = readMount(state, flag, context);
    const sshCount = mounts.filter(({ type }) => type === "ssh").length;
    const mount = await execMount({ flag, options, state, context, inputs, sshCount });
    inputs.ranges.set(`mount ${mount.target}`, (options.fields.get("target") ?? flag).range);
    mounts.push(mount);
  }
  return {
    mounts,
    inputs: inputs.edges,
    ranges: inputs.ranges,
    secretVariables: mounts.flatMap((mount) => (mount.type === "secret" && mount.env !== undefined ? [mount.env] : [])),
  };
}

function readMount(state: StageState, flag: MountFlag, { scope }: StageContext): MountOptions {
  return parseMount(flag, {
    expand: (value) => expandWord(scope, value, state.environment),
    refuse: (message: string, { range }: Word, hint?: string) => {
      throw failure(scope, range, "INVALID_MOUNT", message, hint);
    },
  });
}

async function execMount(request: MountRequest): Promise<ExecMount> {
  switch (request.options.type) {
    case "bind":
      return await bindMount(request);
    case "cache":
      return await cacheMount(request);
    case "tmpfs":
      return tmpfsMount(request);
    case "secret":
      return secretMount(request);
    case "ssh":
      return sshMount(request);
  }
}

async function bindMount(request: MountRequest): Promise<ExecMount> {
  const { options, inputs } = request;
  const target = mountTarget(request);
  return { type: "bind", ...(await inputs.add(request)), target, readonly: options.readonly ?? true };
}

/** A size of 0 is none. */
function tmpfsMount(request: MountRequest): ExecMount {
  const { sizeBytes, readonly = false } = request.options;
  const size = sizeBytes === undefined || sizeBytes === 0 ? {} : { sizeBytes };
  return { type: "tmpfs", target: mountTarget(request), readonly, ...size };
}
