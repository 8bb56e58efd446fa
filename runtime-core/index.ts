export type {
  ApplyRequest,
  ApplyResult,
  Compression,
  FileDigest,
  PackRequest,
  PackResult,
  UnpackRequest,
} from "./archive.ts";
export { applyLayer, digestFile, packLayer, unpackArchive } from "./archive.ts";
export { CAPABILITIES, type Capability } from "./capability.ts";
export type { NativeFailure } from "./errors.ts";
export { RuntimeError, SandboxError } from "./errors.ts";
export type { Program } from "./exec.ts";
export { replaceProcess } from "./exec.ts";
export type { LimitHit, LimitScope } from "./limit-hit.ts";
export type { CgroupLimits, LimitRefusal, SandboxLimits, Ulimit } from "./limits.ts";
export { checkLimits, MAX_TIMEOUT_MS, MIN_MEMORY_BYTES, SandboxGroup, ULIMIT_NAMES } from "./limits.ts";
export type { MachineCheck } from "./machine/check.ts";
export { filesystemOf, mayRefuseOverlay } from "./machine/filesystem.ts";
export { limitChecks } from "./machine/limit-checks.ts";
export type { MountRefusal } from "./mount-refusal.ts";
export { mayRefuseSandbox, mountRefusal } from "./mount-refusal.ts";
export { holdsOverlayMarks, releaseTrees } from "./plain-trees.ts";
export type { NetworkRule, PrivateNetwork } from "./private-network.ts";
export { HOST_ADDRESS, RESOLVER_ADDRESS } from "./private-network.ts";
export { probe } from "./probe.ts";
export type { RootfsMount, WritableRootfs } from "./rootfs.ts";
export type { RunSandboxOptions } from "./sandbox.ts";
export { prepareSandbox, runSandbox } from "./sandbox.ts";
export type { SandboxCapabilities } from "./sandbox-capabilities.ts";
export type { RunningStep, SandboxIo } from "./sandbox-io.ts";
export type { SandboxResult, SandboxUsage } from "./sandbox-result.ts";
export type { SandboxMount, SandboxMountSource, SandboxSpec, SandboxUser, TerminalSize } from "./sandbox-spec.ts";
export type { StatIndex } from "./stat-index.ts";
export { openStatIndex, saveStatIndex } from "./stat-index.ts";
export type { FileLock, UseLog } from "./sync.ts";
export { noteUse, openUseLog, syncFilesystem, tryHoldFile, tryLockFile } from "./sync.ts";
export { makeTerminalRaw } from "./terminal.ts";
export type {
  FileAction,
  FileMode,
  IgnoreRule,
  ModeChange,
  Owner,
  SelectionDigest,
  TreeInclude,
  TreeSelection,
  TreeSource,
  TreeUsage,
  UserLookup,
} from "./tree.ts";
export {
  applyFileActions,
  contentSize,
  digestSelection,
  diskUsageOf,
  exportTree,
  graftLayer,
  listDirectory,
  lookupOwner,
  lookupUser,
  readFile,
  removeTree,
} from "./tree.ts";
export { tryChroot, tryNamespaces } from "./try-sandbox.ts";
