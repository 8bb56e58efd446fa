import { statSync } from "node:fs";
import { posix } from "node:path";
import type { Writable } from "node:stream";
import { Store } from "../layers/index.ts";
import type { ContainerConfig } from "../registry-client/index.ts";
import type { SandboxIo, SandboxMount } from "../runtime-core/index.ts";
import { callOptions } from "./call-options.ts";
import { BuildError } from "./errors.ts";
import { createVertex } from "./llb/index.ts";
import { checkContainerMounts, checkContainerSandbox } from "./machine.ts";
import { type OpContext, runContainer } from "./ops/index.ts";
import { checkPrivilege } from "./privilege.ts";
import { openImage, type RunnableImage } from "./run-image.ts";
import { containerOp } from "./run-op.ts";
import type { RunMount, RunOptions, RunResult } from "./run-options.ts";
import { openOps } from "./session.ts";
import { openStepLimits } from "./step-limits.ts";
import { requirePrivateNetwork } from "./step-network.ts";
import { signalNumber } from "./stop-signal.ts";
import { defaultStore } from "./store-location.ts";

const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs an image's command in the sandbox of a RUN, with what docker run takes from the image's config, on a root that is thrown
 * away. A command that fails is a result; `exitCode` is 126 or 127 when it could not be executed.
 *
 * Throws BuildError with a stable `code`: what finding the image throws, NO_COMMAND, INVALID_WORKDIR, MOUNT_SOURCE_NOT_FOUND, and
 * what the machine refuses; the signal's reason when aborted, after the stop signal.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  options.signal?.throwIfAborted();
  checkPrivilege("run()");
  checkContainerMounts();
  const mounts = (options.mounts ?? []).map(toMount);
  const { pull: _, ...shared } = options;
  const limits = await openStepLimits({ ...shared, context: "." });
  await limits.close();
  const store = await Store.open(options.store ?? defaultStore());
  try {
    checkContainerSandbox(store);
    requirePrivateNetwork({ ...shared, context: "." }, store.root);
    const ops = openOps({ ...shared, context: "." }, store, options.onEvent ?? (() => {}));
    return await start(await openImage(options, ops), mounts, options, ops);
  } finally {
    await store.close();
  }
}

async function start(
  { image, snapshot }: RunnableImage,
  mounts: readonly SandboxMount[],
  options: RunOptions,
  ops: OpContext,
): Promise<RunResult> {
  const config = image.config.config ?? {};
  const op = containerOp(config, options);
  const vertex = createVertex(op, [], { name: `run ${image.reference}` });
  const container = {
    root: snapshot,
    mounts,
    volumes: Object.keys(config.Volumes ?? {}).map((path) => posix.resolve("/", path)),
    readOnlyRoot: options.readOnlyRoot ?? false,
    droppedCapabilities: options.droppedCapabilities ?? [],
    ...(options.terminal === undefined ? {} : { terminal: options.terminal }),
  };
  const stop = { stopSignal: stopSignal(config, options), graceMs: options.stopTimeoutMs ?? STOP_TIMEOUT_MS };
  const result = await runContainer(vertex, op, container, ioOf(options), ops, { ...callOptions(options), ...stop });
  return { ...result, image: image.manifest.digest };
}

function stopSignal({ StopSignal }: ContainerConfig, options: RunOptions): number {
  return signalNumber(options.stopSignal ?? (StopSignal === "" ? undefined : StopSignal) ?? "SIGTERM");
}

function ioOf({ stdin, stdout, stderr, onStart }: RunOptions): SandboxIo {
  return {
    ...(stdin === undefined ? {} : { stdin }),
    ...(stdout === undefined ? {} : { onStdout: into(stdout) }),
    ...(stderr === undefined ? {} : { onStderr: into(stderr) }),
    ...(onStart === undefined ? {} : { onStart }),
  };
}

/** The command waits while the stream does. */
function into(stream: Writable): (chunk: Uint8Array) => Promise<void> {
  return (chunk) =>
    new Promise((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
}

function toMount(mount: RunMount): SandboxMount {
  if (mount.type === "bind" && statSync(mount.source, { throwIfNoEntry: false }) === undefined) {
    throw new BuildError("MOUNT_SOURCE_NOT_FOUND", `bind source path does not exist: ${mount.source}`, {
      hint: "make it first: a missing directory is not made",
    });
  }
  return mount;
}
