import type { Capability } from "./capability.ts";
import type { SandboxGroup, SandboxLimits } from "./limits.ts";
import type { PrivateNetwork } from "./private-network.ts";
import type { RootfsMount, WritableRootfs } from "./rootfs.ts";

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
  /**
   * `none`: only lo. `host`: the network of the machine. `private`: an interface of its own, whose connections this process makes
   * for the step: everything but this machine's loopback, what is link-local and the metadata services of clouds.
   */
  readonly network: "none" | "host" | "private";
  /** With `private`: whom the step may reach, and how fast. */
  readonly privateNetwork?: PrivateNetwork;
  /** Content of /etc/hosts and /etc/resolv.conf in the sandbox; they leave no trace in the layer. */
  readonly hosts: string;
  readonly resolvConf: string;
  readonly limits: SandboxLimits;
  /** What the step shares with others: their limits together. */
  readonly group?: SandboxGroup;
  readonly noNewPrivileges: boolean;
  /**
   * Runs with every capability of the caller, in the caller's user namespace: no filter of system calls, nothing masked or
   * read-only, the machine's devices. The other namespaces and the limits remain.
   */
  readonly insecure?: boolean;
  /** The step's own mounts, in order: a mount in another comes after it. At most 120. */
  readonly mounts: readonly SandboxMount[];
  /** The command has a terminal of the step's own of this size: what it writes there comes by `onStdout`. */
  readonly terminal?: TerminalSize;
  /** Only /dev and the step's own mounts can be written. */
  readonly readOnlyRoot?: boolean;
  /** What root of the step does not have of Docker's default set. */
  readonly droppedCapabilities?: readonly Capability[];
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/**
 * Something mounted for one step. `target` is absolute, without `..`, and looked up inside the root, symbolic links too. A mount
 * point that is missing is there for the step alone, and leaves no trace in the layer.
 */
export type SandboxMount = SandboxMountSource & { readonly target: string; readonly readonly: boolean };

/** What a mount shows. */
export type SandboxMountSource =
  | {
      /** A directory, file or socket of the host. Its owners on disk are the step's own ids. */
      readonly type: "bind";
      /** Absolute. */
      readonly source: string;
      /**
       * The source belongs to the builder: where writes are limited, its files are marked to be written synchronously as
       * long as the step runs. What is not so marked is not held to those limits on cgroup v1.
       */
      readonly isOwn?: boolean;
    }
  | {
      /** A path of another root, looked up inside it. Without an `upper` it must be `readonly`. */
      readonly type: "rootfs";
      readonly rootfs: RootfsMount;
      /** Absolute inside `rootfs`. */
      readonly path: string;
    }
  | {
      readonly type: "tmpfs";
      /** Default: the kernel's, half of the memory. */
      readonly sizeBytes?: number;
    }
  | {
      /** A file in memory; it can only be read, and not executed. */
      readonly type: "file";
      readonly content: Uint8Array;
      readonly uid: number;
      readonly gid: number;
      readonly mode: number;
    };
