import { Store } from "../layers/index.ts";
import { RegistryClient } from "../registry-client/index.ts";
import type { SandboxGroup } from "../runtime-core/index.ts";
import { type BuildContext, locateContext, openBuildContext } from "./build-context.ts";
import { openCaBundle } from "./ca-bundle.ts";
import { callOptions } from "./call-options.ts";
import { sourceDateEpoch } from "./epoch.ts";
import type { BuildEvent, WarningEvent } from "./events.ts";
import { CHROOT_WARNING } from "./isolation.ts";
import type { Edge, Vertex } from "./llb/index.ts";
import { FirstFailure, type OpContext, PendingSteps, resolveOp, StepAccounts } from "./ops/index.ts";
import type { BuildOptions, BuildWarning } from "./options.ts";
import { Secrets } from "./secrets.ts";
import { SolvedAhead } from "./solved-ahead.ts";
import { type CacheStore, FileCacheStore, type OpRunner } from "./solver/index.ts";
import { openSshSources } from "./ssh/index.ts";
import { requirePrivateNetwork, stepNetwork } from "./step-network.ts";
import { StepReports } from "./step-reports.ts";
import { defaultStore } from "./store-location.ts";
import { targetPlatform } from "./target-platform.ts";

/** What one build holds from its first line to its last. */
export interface Session {
  readonly context: BuildContext;
  readonly ops: OpContext;
  readonly resolveOp: (vertex: Vertex) => OpRunner;
  readonly cache: CacheStore;
  readonly warnings: BuildWarning[];
  readonly steps: StepReports;
  /** Removes what is unfinished. */
  close(): Promise<void>;
}

/**
 * Opens what a build needs. Everything that can be wrong with the options is said here, before anything runs. `group` is the
 * cgroup that its steps share.
 */
export async function openSession(options: BuildOptions, group?: SandboxGroup): Promise<Session> {
  targetPlatform(options.platform);
  const address = await locateContext(options);
  const store = await Store.open(options.store ?? defaultStore(), { mounts: options.isolation !== "chroot" });
  try {
    requirePrivateNetwork(options, store.root);
    const ahead = new SolvedAhead();
    const warnings: BuildWarning[] = [];
    const steps = new StepReports();
    const blind = openOps(options, store, (event) => {
      if (ahead.isRepeated(event)) return;
      if (event.type === "warning") warnings.push(warningOf(event));
      steps.onEvent(event);
      options.onEvent?.(event);
    });
    if (options.isolation === "chroot") {
      blind.onEvent({ type: "warning", ...CHROOT_WARNING, timeMs: blind.elapsedMs() });
    }
    const cache = new FileCacheStore(store);
    const solve = (target: Edge) => ahead.solve(target, blind, cache, callOptions(options));
    const context = await openBuildContext(options, { store, address, solve });
    const ops = { ...blind, ...(group === undefined ? {} : { group }), source: context.dockerfile };
    return {
      context,
      ops,
      resolveOp: (vertex) => ahead.runner(vertex) ?? resolveOp(vertex, ops),
      cache,
      warnings,
      steps,
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What ops work with before there is a Dockerfile to point into. */
export function openOps(options: BuildOptions, store: Store, onEvent: (event: BuildEvent) => void): OpContext {
  const started = performance.now();
  const elapsedMs = () => performance.now() - started;
  return {
    store,
    registry: new RegistryClient({
      onWarning: (message: string) => onEvent({ type: "warning", code: "REGISTRY", message, timeMs: elapsedMs() }),
    }),
    source: { file: "Dockerfile", text: "" },
    sourceDateEpoch: sourceDateEpoch(
      options.sourceDateEpoch,
      options.buildArgs?.["SOURCE_DATE_EPOCH"],
      process.env["SOURCE_DATE_EPOCH"],
    ),
    normalizeModes: options.normalizeModes ?? false,
    isolation: options.isolation ?? "namespaces",
    // The only one that there is without a network namespace; what results is what it would be with namespaces.
    network: stepNetwork(options.isolation === "chroot" ? { ...options, network: "host" } : options),
    ...certificates(options, store),
    extraHosts: options.extraHosts ?? [],
    limits: options.limits ?? {},
    noNewPrivileges: options.noNewPrivileges ?? false,
    pendingSteps: new PendingSteps(),
    ...(options.onError === undefined ? {} : { firstFailure: new FirstFailure() }),
    accounts: new StepAccounts(onEvent),
    secrets: new Secrets(options.secrets ?? {}),
    ssh: openSshSources(options.ssh ?? {}),
    onEvent,
    elapsedMs,
  };
}

function certificates({ caCerts }: BuildOptions, store: Store): Pick<OpContext, "certificates"> {
  return caCerts === undefined ? {} : { certificates: openCaBundle(caCerts, store.workspace.path()) };
}

function warningOf({ code, message, url, range }: WarningEvent): BuildWarning {
  return { code, message, ...(url === undefined ? {} : { url }), ...(range === undefined ? {} : { range }) };
}
