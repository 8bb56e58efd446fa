import { posix } from "node:path";
import type { ActiveSnapshot } from "../../layers/index.ts";
import type { CallOptions } from "../../registry-client/index.ts";
import { RuntimeError, readFile, type SandboxSpec } from "../../runtime-core/index.ts";
import type { BuildError } from "../errors.ts";
import type { FailedStep } from "../failed-step.ts";
import type { Vertex } from "../llb/index.ts";
import type { OpContext } from "./context.ts";
import { startSandbox } from "./exec.ts";
import type { OpenMounts } from "./mounts.ts";

/** A RUN whose command has failed, with all it had. */
export interface FailedExec {
  readonly vertex: Vertex;
  readonly spec: SandboxSpec;
  readonly error: BuildError;
  readonly active: ActiveSnapshot;
  readonly mounted: OpenMounts;
}

/** Keeps the first RUN that fails as it is, so that somebody can look at it once everything else has stopped. */
export class FirstFailure {
  #kept: FailedExec | undefined;

  /** Takes a failed step over, if it is the first. */
  offer(failed: FailedExec): void {
    this.#kept ??= failed;
  }

  /** Whether this root is not its step's to throw away any more. */
  holds(active: ActiveSnapshot): boolean {
    return this.#kept?.active === active;
  }

  /** Shows it, if there is one, and then throws it away. */
  async visit(look: (failed: FailedStep) => Promise<void>, context: OpContext, options: CallOptions): Promise<void> {
    const kept = this.#kept;
    if (kept === undefined) return;
    try {
      if (options.signal?.aborted !== true) await look(failedStep(kept, context, options));
    } finally {
      await kept.mounted.release();
      await context.store.snapshotter.discard(kept.active);
    }
  }
}

function failedStep({ vertex, spec, error }: FailedExec, context: OpContext, options: CallOptions): FailedStep {
  const { argv, env, cwd, user } = spec;
  return {
    name: vertex.name,
    error,
    argv,
    env,
    cwd,
    uid: user.uid,
    findShell: () => findShell(vertex, spec, options),
    run: async (command, { terminal, ...io } = {}) => {
      const { timeoutMs: _, ...limits } = spec.limits;
      const again: SandboxSpec = { ...spec, argv: command, limits };
      if (terminal === undefined) return await startSandbox(vertex, again, io, context, options);
      const withTerm = hasVariable(spec, "TERM") ? env : [...env, "TERM=xterm"];
      return await startSandbox(vertex, { ...again, terminal, env: withTerm }, io, context, options);
    },
  };
}

async function findShell({ shell = [] }: Vertex, spec: SandboxSpec, options: CallOptions): Promise<string | undefined> {
  const named = [shell[0], variable(spec, "SHELL")].filter((name) => name !== undefined && name !== "") as string[];
  for (const name of [...named, "/bin/sh"]) {
    for (const path of candidates(name, spec)) if (await isFile(spec, path, options)) return path;
  }
  return undefined;
}

/** Where a program of that name is looked for. */
function candidates(name: string, spec: SandboxSpec): readonly string[] {
  if (name.startsWith("/")) return [name];
  if (name.includes("/")) return [posix.resolve(spec.cwd, name)];
  const directories = (variable(spec, "PATH") ?? "").split(":").filter((directory) => directory.startsWith("/"));
  return directories.map((directory) => posix.join(directory, name));
}

async function isFile({ rootfs }: SandboxSpec, path: string, options: CallOptions): Promise<boolean> {
  try {
    await readFile({ lowers: [...rootfs.lowers, rootfs.upper] }, path, 0, options);
    return true;
  } catch (error) {
    if (error instanceof RuntimeError) return error.code === "TOO_LARGE";
    throw error;
  }
}

function hasVariable(spec: SandboxSpec, name: string): boolean {
  return variable(spec, name) !== undefined;
}

function variable({ env }: SandboxSpec, name: string): string | undefined {
  return env.find((row) => row.startsWith(`${name}=`))?.slice(name.length + 1);
}
