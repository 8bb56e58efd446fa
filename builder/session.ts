import { Store } from "../layers/index.ts";
import { RegistryClient } from "../registry-client/index.ts";
import { type BuildContext, openBuildContext } from "./build-context.ts";
import { sourceDateEpoch } from "./epoch.ts";
import type { BuildEvent } from "./events.ts";
import type { OpContext } from "./ops/index.ts";
import type { BuildOptions, BuildWarning } from "./options.ts";
import { checkPrivilege } from "./privilege.ts";
import { type CacheStore, FileCacheStore } from "./solver/index.ts";
import { defaultStore } from "./store-location.ts";

/** What one build holds from its first line to its last. */
export interface Session {
  readonly context: BuildContext;
  readonly ops: OpContext;
  readonly cache: CacheStore;
  readonly warnings: BuildWarning[];
  /** Removes what is unfinished. */
  close(): Promise<void>;
}

/** Opens what a build needs. Everything that can be wrong with the options is said here, before anything runs. */
export async function openSession(options: BuildOptions): Promise<Session> {
  checkPrivilege();
  const started = performance.now();
  const elapsedMs = () => performance.now() - started;
  const warnings: BuildWarning[] = [];
  const context = await openBuildContext(options.context, options.dockerfile);
  const onEvent = (event: BuildEvent) => {
    if (event.type === "warning") warnings.push({ code: event.code, message: event.message });
    options.onEvent?.(event);
  };
  const store = await Store.open(options.store ?? defaultStore());
  const ops: OpContext = {
    store,
    registry: new RegistryClient({
      onWarning: (message: string) => onEvent({ type: "warning", code: "REGISTRY", message, timeMs: elapsedMs() }),
    }),
    source: context.dockerfile,
    sourceDateEpoch: sourceDateEpoch(
      options.sourceDateEpoch,
      options.buildArgs?.["SOURCE_DATE_EPOCH"],
      process.env["SOURCE_DATE_EPOCH"],
    ),
    network: options.network ?? "none",
    limits: options.limits ?? {},
    noNewPrivileges: options.noNewPrivileges ?? false,
    onEvent,
    elapsedMs,
  };
  const cache = new FileCacheStore(store);
  return { context, ops, cache, warnings, close: () => store.close() };
}
