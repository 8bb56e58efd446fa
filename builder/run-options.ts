import type { Writable } from "node:stream";
import type { CallOptions, Digest } from "../registry-client/index.ts";
import type { Capability, RunningStep, SandboxResult, TerminalSize } from "../runtime-core/index.ts";
import type { BuildOptions } from "./options.ts";

/** What a container has in common with the steps of a build. */
type SharedOptions = Pick<
  BuildOptions,
  "store" | "network" | "allowNet" | "caCerts" | "extraHosts" | "limits" | "noNewPrivileges" | "platform" | "onEvent"
>;

/** What `run` is asked to do. Only `image` is required. */
export interface RunOptions extends CallOptions, SharedOptions {
  /** A name or digest in the store or of a registry, or `oci-layout://PATH[:tag][@digest]`. */
  readonly image: string;
  /** In place of the image's Cmd. */
  readonly command?: readonly string[];
  /** In place of the image's Entrypoint, whose Cmd then does not count either. Empty: none. */
  readonly entrypoint?: readonly string[];
  /** Over the image's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute; made when it is missing. Default: the image's. */
  readonly workdir?: string;
  /** `name`, `uid`, `name:group`, `uid:gid`, looked up in the image. Default: the image's, else root. */
  readonly user?: string;
  /** Default: twelve random hexadecimal digits. */
  readonly hostname?: string;
  /** Whether the registry is asked: when the store has no such image (the default), in any case, or not at all. */
  readonly pull?: "missing" | "always" | "never";
  /** Beside the image's files. A mount in another comes after it. */
  readonly mounts?: readonly RunMount[];
  /** Only mounts, /dev and the image's volumes can be written. */
  readonly readOnlyRoot?: boolean;
  /** What root does not have of Docker's default set. */
  readonly droppedCapabilities?: readonly Capability[];
  /** What the command reads. Default: nothing. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Where its output goes, no faster than it is taken. Default: nowhere. A stream that fails ends the command. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** The command has a terminal of its own, of this size; all that it writes there goes to `stdout`. */
  readonly terminal?: TerminalSize;
  /** What the command is sent when `signal` is aborted: a name or a number. Default: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** After which it is killed: 0 for at once, Infinity for never. Default 10000. */
  readonly stopTimeoutMs?: number;
  /** Called when the command is being started. */
  readonly onStart?: (running: RunningStep) => void;
}

/** `--volume`, `--mount` and `--tmpfs`. `target` is absolute in the container, and made when it is missing. */
export type RunMount =
  | {
      /** A path of this machine. */
      readonly type: "bind";
      /** Absolute. */
      readonly source: string;
      readonly target: string;
      readonly readonly: boolean;
    }
  | {
      readonly type: "tmpfs";
      readonly target: string;
      readonly readonly: boolean;
      /** Default: the kernel's, half of the memory. */
      readonly sizeBytes?: number;
    };

/** How the command ended. */
export interface RunResult extends SandboxResult {
  /** Digest of the image's manifest. */
  readonly image: Digest;
}
