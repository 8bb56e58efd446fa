import type { WritableRootfs } from "./rootfs.ts";

/** One RUN, fully resolved: nothing in it is looked up again. */
export interface SandboxSpec {
  readonly rootfs: WritableRootfs;
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** Absolute; created by the caller. */
  readonly cwd: string;
  readonly user: SandboxUser;
  readonly hostname: string;
  /** `none`: only lo. `host`: the network of the machine. */
  readonly network: "none" | "host";
  /** Content of /etc/hosts and /etc/resolv.conf in the sandbox; they leave no trace in the layer. */
  readonly hosts: string;
  readonly resolvConf: string;
  readonly limits: SandboxLimits;
  readonly noNewPrivileges: boolean;
  /** Extra bind mounts, in order. */
  readonly mounts: readonly SandboxMount[];
}

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

export interface SandboxLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together. */
  readonly memorySwapBytes?: number;
  readonly pids?: number;
  /** Cores: 1.5 is one and a half. */
  readonly cpus?: number;
}

export type SandboxMount = {
  readonly type: "bind";
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
};

/** Output as it comes. Chunks are bytes, not lines. */
export interface SandboxIo {
  readonly onStdout?: (chunk: Uint8Array) => void;
  readonly onStderr?: (chunk: Uint8Array) => void;
}

export interface SandboxResult {
  /** The command's exit code; 128 + n when signal n ended it. */
  readonly exitCode: number;
  readonly signal?: string;
  /** The limit that ended the step, where the kernel says so. */
  readonly limitHit?: "memory" | "pids";
  readonly usage: SandboxUsage;
}

export interface SandboxUsage {
  readonly wallMs: number;
  readonly cpuUserMs: number;
  readonly cpuSystemMs: number;
  readonly memoryPeakBytes?: number;
  readonly pidsPeak?: number;
}

/** What this machine allows, and why not. */
export interface SandboxCapabilities {
  readonly available: boolean;
  /** Why not, a sentence each. */
  readonly problems: readonly string[];
  readonly cgroup: "v1" | "v2" | "none";
  /** How the step's ids map to the host's. */
  readonly userNamespace: "idmapped" | "identity" | "none";
  readonly overlay: boolean;
}
