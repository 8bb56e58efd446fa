import type { ActiveSnapshot } from "../../layers/index.ts";
import type { CallOptions } from "../../registry-client/index.ts";
import {
  lookupUser,
  prepareSandbox,
  type RunSandboxOptions,
  RuntimeError,
  runSandbox,
  SandboxError,
  type SandboxIo,
  type SandboxResult,
  type SandboxSpec,
  type SandboxUsage,
} from "../../runtime-core/index.ts";
import { BuildError } from "../errors.ts";
import type { ExecOp, Vertex } from "../llb/index.ts";
import type { OpRunner } from "../solver/index.ts";
import { blockedLines } from "./blocked-ends.ts";
import type { OpContext } from "./context.ts";
import { commandFailed } from "./exec-failure.ts";
import { baseSnapshot } from "./inputs.ts";
import { mountInputKey, mountKey } from "./mount-key.ts";
import { byTarget, type OpenMounts, openMounts } from "./mounts.ts";
import { sandboxHosts, sandboxResolvConf } from "./network-files.ts";
import { opKey } from "./op-key.ts";
import { OutputTail } from "./output-tail.ts";
import { placeOf } from "./place.ts";

/** RUN: the command in a sandbox on a fresh upper, which then is its snapshot. */
export function execRunner(vertex: Vertex, op: ExecOp, context: OpContext): OpRunner {
  context.pendingSteps.add(vertex);
  return {
    // Proxies, limits and the addresses of hosts are not in the key (BuildKit's CacheMap of exec ops).
    cacheMap: async () => ({
      digest: opKey("exec", [
        op.argv,
        op.env,
        op.cwd,
        op.user,
        networkOf(op, context),
        op.security ?? "sandbox",
        op.hostname,
        context.extraHosts.map(({ host }) => host),
        (op.mounts ?? []).map(mountKey),
        context.noNewPrivileges,
        context.sourceDateEpoch,
      ]),
      inputs: vertex.inputs.map((_, index) => mountInputKey(vertex, op, index, context)),
    }),
    // A step without a sandbox has none that could be prepared.
    expectExec: () => {
      const isFenced = op.security === undefined && context.isolation === "namespaces";
      const network = networkOf(op, context);
      if (isFenced) prepareSandbox({ network, limits: context.limits, ...groupOf(context) });
    },
    exec: async (inputs, options) => {
      const active = await context.store.snapshotter.prepare(baseSnapshot(inputs), options);
      const isKept = () => context.firstFailure?.holds(active) === true;
      try {
        const mounted = await openMounts(op, { vertex, inputs, context, options });
        let usage: SandboxUsage;
        try {
          usage = await runStep(vertex, op, { active, mounted }, context, options);
        } finally {
          if (!isKept()) await mounted.release();
        }
        const snapshot = await context.store.snapshotter.commit(active);
        context.accounts.committed(vertex, usage, context.store.snapshotter.view(snapshot));
        return { type: "snapshot", snapshot };
      } catch (error) {
        if (!isKept()) await context.store.snapshotter.discard(active);
        throw error;
      }
    },
  };
}

/** The root a step writes, and what it mounts. */
export interface StepRoots {
  readonly active: ActiveSnapshot;
  readonly mounted: OpenMounts;
}

async function runStep(
  vertex: Vertex,
  op: ExecOp,
  roots: StepRoots,
  context: OpContext,
  options: CallOptions,
): Promise<SandboxUsage> {
  const spec = await sandboxSpec(vertex, op, roots, context);
  const tail = new OutputTail();
  const log = (stream: "stdout" | "stderr") => (data: Uint8Array) => {
    tail.push(data);
    context.onEvent({ type: "log", digest: vertex.digest, stream, data, timeMs: context.elapsedMs() });
  };
  const result = await startSandbox(
    vertex,
    spec,
    { onStdout: log("stdout"), onStderr: log("stderr") },
    context,
    options,
  );
  for (const line of blockedLines(result, spec)) log("stderr")(Buffer.from(`${line}\n`));
  context.accounts.ended(vertex, result.usage);
  if (result.exitCode === 0) return result.usage;
  const error = commandFailed(vertex, op, { result, spec, output: tail.text() }, context);
  context.firstFailure?.offer({ vertex, spec, error, ...roots });
  throw error;
}

/** Runs a vertex's sandbox. Throws BuildError with the place of the vertex for what the machine refuses. */
export async function startSandbox(
  vertex: Vertex,
  spec: SandboxSpec,
  io: SandboxIo,
  context: OpContext,
  options: RunSandboxOptions,
): Promise<SandboxResult> {
  try {
    return await runSandbox(spec, io, { ...options, isLast: context.pendingSteps.begin(vertex) });
  } catch (cause) {
    if (!(cause instanceof SandboxError)) throw cause;
    throw new BuildError(cause.code, `cannot run the step${whoIn(cause, spec)}: ${cause.message}`, {
      cause,
      hint: cause.hint,
      ...placeOf(vertex, context, `mount ${cause.subject}`),
    });
  }
}

/** The ids that the step was not given, where these are what failed. */
function whoIn({ step }: SandboxError, { user }: SandboxSpec): string {
  return step === "user" || step === "groups" ? ` as uid ${user.uid}, gid ${user.gid}` : "";
}

/** What the sandbox is asked for one step. Throws BuildError for a user that the root does not know. */
export async function sandboxSpec(
  vertex: Vertex,
  op: ExecOp,
  { active, mounted }: StepRoots,
  context: OpContext,
): Promise<SandboxSpec> {
  const network = networkOf(op, context);
  const { certificates = { mounts: [], env: [] } } = context;
  const { home, ...user } = await stepUser(vertex, op, active, context);
  return {
    rootfs: active.rootfs,
    argv: op.argv,
    env: withHome(withDefaults(withSecrets([...op.env, ...op.proxyEnv], mounted.env), certificates.env), home),
    cwd: op.cwd,
    user,
    hostname: op.hostname,
    network,
    ...(network === "private" ? { privateNetwork: context.network.restriction } : {}),
    hosts: await sandboxHosts(op.hostname, network, context.extraHosts),
    resolvConf: await sandboxResolvConf(network, context.network),
    limits: context.limits,
    ...groupOf(context),
    noNewPrivileges: context.noNewPrivileges,
    insecure: op.security === "insecure",
    mounts: [...mounted.mounts, ...certificates.mounts].sort(byTarget),
  };
}

async function stepUser(vertex: Vertex, op: ExecOp, active: ActiveSnapshot, context: OpContext) {
  try {
    return await lookupUser(context.store.snapshotter.view(active.parent), op.user);
  } catch (cause) {
    if (!(cause instanceof RuntimeError)) throw cause;
    throw new BuildError(cause.code, `cannot run as user ${op.user}: ${cause.message}`, {
      cause,
      hint: "USER takes a name from the image's own /etc/passwd, or a number",
      ...placeOf(vertex, context),
    });
  }
}

/** A variable that holds a secret takes the place of another of its name. */
function withSecrets(env: readonly string[], secrets: readonly string[]): readonly string[] {
  const names = new Set(secrets.map(nameOf));
  return [...env.filter((row) => !names.has(nameOf(row))), ...secrets];
}

/** Variables that are not set yet. */
function withDefaults(env: readonly string[], defaults: readonly string[]): readonly string[] {
  const names = new Set(env.map(nameOf));
  return [...env, ...defaults.filter((row) => !names.has(nameOf(row)))];
}

function nameOf(row: string): string {
  return row.slice(0, row.indexOf("="));
}

/** HOME is set as runc sets it: from passwd, unless the image or the build says otherwise. */
function withHome(env: readonly string[], home: string | undefined): readonly string[] {
  return env.some((entry) => entry.startsWith("HOME=")) ? env : [...env, `HOME=${home ?? "/"}`];
}

function networkOf(op: ExecOp, context: OpContext): SandboxSpec["network"] {
  return op.network === "default" ? context.network.mode : op.network;
}

function groupOf({ group }: OpContext): Pick<SandboxSpec, "group"> {
  return group === undefined ? {} : { group };
}
