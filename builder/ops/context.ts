import type { Store } from "../../layers/index.ts";
import type { RegistryClient } from "../../registry-client/index.ts";
import type { SandboxLimits } from "../../runtime-core/index.ts";
import type { SourceFile } from "../dockerfile/source.ts";
import type { OnEvent } from "../events.ts";

/** What every op of one build works with. */
export interface OpContext {
  readonly store: Store;
  readonly registry: RegistryClient;
  /** For error frames. */
  readonly source: SourceFile;
  readonly sourceDateEpoch: number;
  /** What `--network` is for RUN steps that do not say. */
  readonly network: "none" | "host";
  readonly limits: SandboxLimits;
  readonly noNewPrivileges: boolean;
  readonly onEvent: OnEvent;
  /** Milliseconds since the build began. */
  readonly elapsedMs: () => number;
}
