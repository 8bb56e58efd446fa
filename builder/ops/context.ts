import type { Store } from "../../layers/index.ts";
import type { RegistryClient } from "../../registry-client/index.ts";
import type { PrivateNetwork, SandboxGroup, SandboxLimits, SandboxMount } from "../../runtime-core/index.ts";
import type { SourceFile } from "../dockerfile/source.ts";
import type { OnEvent } from "../events.ts";
import type { ExtraHost, Isolation } from "../options.ts";
import type { SshSource } from "../ssh/index.ts";
import type { FirstFailure } from "./first-failure.ts";
import type { PendingSteps } from "./pending-steps.ts";
import type { StepAccounts } from "./step-accounts.ts";

/** The build's secrets. What one holds never reaches a message, a cache key or the store. */
export interface SecretReader {
  /** undefined when the build has none of that name. */
  read(id: string): Promise<Uint8Array | undefined>;
}

/** The network of RUN steps. */
export interface NetworkOfSteps {
  /** Of steps that do not say. */
  readonly mode: "none" | "host" | "private";
  /** Whom a step with a private network may reach, and who answers its lookups. */
  readonly restriction: PrivateNetwork;
  /** Lines for the /etc/resolv.conf of such a step, beside the nameserver. */
  readonly resolverLines: readonly string[];
}

/** Certificate authorities that RUN steps trust beside their own. */
export interface CertificatesOfSteps {
  readonly mounts: readonly SandboxMount[];
  /** `NAME=value`; what the image or the build sets itself stays. */
  readonly env: readonly string[];
}

/** What every op of one build works with. */
export interface OpContext {
  readonly store: Store;
  readonly registry: RegistryClient;
  /** For error frames. */
  readonly source: SourceFile;
  readonly sourceDateEpoch: number;
  /** Files of local contexts have git's two modes. */
  readonly normalizeModes: boolean;
  readonly isolation: Isolation;
  readonly network: NetworkOfSteps;
  readonly certificates?: CertificatesOfSteps;
  /** Names for /etc/hosts, beside the step's own. */
  readonly extraHosts: readonly ExtraHost[];
  readonly limits: SandboxLimits;
  /** What the build's steps share, where they have limits together. */
  readonly group?: SandboxGroup;
  readonly noNewPrivileges: boolean;
  readonly pendingSteps: PendingSteps;
  readonly accounts: StepAccounts;
  readonly secrets: SecretReader;
  /** SSH agents by id. */
  readonly ssh: ReadonlyMap<string, SshSource>;
  /** Where somebody wants to look at a step that fails. */
  readonly firstFailure?: FirstFailure;
  readonly onEvent: OnEvent;
  /** Milliseconds since the build began. */
  readonly elapsedMs: () => number;
}
