import type { MachineCheck } from "./machine/check.ts";

/** What this machine allows, and why not. */
export interface SandboxCapabilities {
  readonly available: boolean;
  /** Why not, a sentence each. */
  readonly problems: readonly string[];
  readonly cgroup: "v1" | "v2" | "none";
  /** How the step's ids map to the host's. */
  readonly userNamespace: "idmapped" | "identity" | "none";
  readonly overlay: boolean;
  /** Whether a step can have a private network. */
  readonly privateNetwork: boolean;
  /** Why it cannot. */
  readonly networkProblem?: string;
  /** Whether steps can be isolated by chroot(2) instead. */
  readonly chroot: boolean;
  /** What a build without `isolation` can have here, else what it could have with it. */
  readonly isolation: "namespaces" | "chroot" | "none";
  /** Each thing that was looked at, with its remedy. */
  readonly checks: readonly MachineCheck[];
}
