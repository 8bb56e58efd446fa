import { layersOf, type Snapshot } from "../layers/index.ts";
import type { Compression } from "../runtime-core/index.ts";
import { callOptions } from "./call-options.ts";
import { deliver } from "./deliver.ts";
import { type DispatchResult, dispatch } from "./dispatch/index.ts";
import { dispatchOptions } from "./dispatch-options.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { EarlyPacking } from "./early-packing.ts";
import { checkEntitlements } from "./entitlements.ts";
import type { WarningEvent } from "./events.ts";
import { type WrittenImage, writeImage } from "./export/index.ts";
import { imageNames } from "./image-names.ts";
import { checkIsolation, checkIsolationOptions } from "./isolation.ts";
import { type LintWarning, openLinter, parseAndCheck } from "./lint/index.ts";
import { checkMounts, checkSandbox } from "./machine.ts";
import type { BuildOptions, BuildResult } from "./options.ts";
import { checkOutputPlaces } from "./output-place.ts";
import { checkPrivilege } from "./privilege.ts";
import { reportVertex } from "./report-vertex.ts";
import { openSession, type Session } from "./session.ts";
import { solve } from "./solver/index.ts";
import { openStepLimits, type StepLimits } from "./step-limits.ts";
import { checkHostNetwork } from "./step-network.ts";

/**
 * Builds an image from a Dockerfile: parse → dispatch → solve → export.
 *
 * Throws BuildError with a stable `code`, the place in the Dockerfile and a hint; the signal's reason when aborted. Nothing
 * half-written stays in the store, and a tag keeps its old image unless everything went well.
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
  options.signal?.throwIfAborted();
  checkPrivilege("build()");
  checkIsolationOptions(options);
  checkMounts(options);
  const names = imageNames(options.tags ?? []);
  await checkOutputPlaces(options.outputs ?? []);
  const limits = await openStepLimits(options);
  try {
    return await buildWithin(limits, names, options);
  } finally {
    await limits.close();
  }
}

async function buildWithin(
  { group }: StepLimits,
  names: readonly string[],
  options: BuildOptions,
): Promise<BuildResult> {
  const session = await openSession(options, group);
  try {
    const plan = await planBuild(options, session);
    const snapshot = await solveTarget(plan, options, session);
    const image = await exportImage(plan, snapshot, options, session);
    await deliver(image, snapshot, names, options, session);
    await session.ops.accounts.settled();
    return {
      descriptor: image.descriptor,
      configDigest: image.manifest.config.digest,
      config: image.config,
      imageNames: names,
      warnings: session.warnings,
      steps: session.steps.of(plan.target.vertex),
      isolation: options.isolation ?? "namespaces",
    };
  } finally {
    await session.ops.accounts.settled();
    await session.close();
  }
}

async function planBuild(options: BuildOptions, session: Session): Promise<DispatchResult> {
  const source = session.context.dockerfile;
  const linter = openLinter(source, options.buildArgs ?? {});
  try {
    const dockerfile = parseAndCheck(source, linter);
    const plan = await dispatch(dockerfile, { ...(await dispatchOptions(options, session)), linter });
    checkEntitlements(plan.target.vertex, options, source);
    checkHostNetwork(plan.target.vertex, options, source);
    checkIsolation(plan.target.vertex, options, source);
    checkSandbox(plan.target.vertex, options, session.ops.store);
    for (const warning of plan.warnings) {
      session.ops.onEvent({ type: "warning", ...warning, timeMs: session.ops.elapsedMs() });
    }
    return plan;
  } finally {
    for (const warning of linter.warnings) session.ops.onEvent(lintEvent(warning, source, session.ops.elapsedMs()));
  }
}

function lintEvent({ rule, ...warning }: LintWarning, source: SourceFile, timeMs: number): WarningEvent {
  return { type: "warning", code: rule, ...warning, source, timeMs };
}

async function solveTarget(plan: DispatchResult, options: BuildOptions, session: Session): Promise<Snapshot> {
  const signal = callOptions(options);
  const { ops, cache } = session;
  const packing = new EarlyPacking(plan.target, ops, { ...signal, compression: compressionOf(options) });
  try {
    const result = await solve(plan.target, {
      ...signal,
      resolveOp: (vertex) => packing.wrap(vertex, session.resolveOp(vertex)),
      cache,
      onEvent: ops.onEvent,
      elapsedMs: ops.elapsedMs,
    });
    if (result.type !== "snapshot") throw new Error("the target of a build must be a filesystem state");
    return result.snapshot;
  } catch (error) {
    await packing.settled();
    if (options.onError !== undefined) await ops.firstFailure?.visit(options.onError, ops, signal);
    throw error;
  }
}

function compressionOf(options: BuildOptions): Compression {
  return options.compression ?? { type: "gzip" };
}

async function exportImage(
  plan: DispatchResult,
  snapshot: Snapshot,
  options: BuildOptions,
  { ops }: Session,
): Promise<WrittenImage> {
  const signal = callOptions(options);
  const { store, sourceDateEpoch } = ops;
  return await reportVertex("exporting to image", ops, async () => {
    const compression = compressionOf(options);
    const layers = await layersOf(snapshot, store, { ...signal, compression, sourceDateEpoch });
    const image = await writeImage(plan.image, layers, store, sourceDateEpoch);
    await store.sync();
    return image;
  });
}
