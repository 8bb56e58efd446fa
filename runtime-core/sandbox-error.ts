import { getSystemErrorMap } from "node:util";
import { type NativeFailure, SandboxError } from "./errors.ts";
import type { StepFailure } from "./sandbox-status.ts";

/** The error of a step that was never started: what the helper told, or that it told nothing. */
export function setupError(failure: StepFailure | undefined): SandboxError {
  if (failure === undefined) {
    const message = "the step was killed from outside before its command ended";
    return new SandboxError({ code: "SANDBOX_KILLED", step: "run", message });
  }
  const { step, errno, subject } = failure;
  const message = getSystemErrorMap().get(-errno)?.[1] ?? `errno ${errno}`;
  const native: NativeFailure = {
    code: errno === ENOSPC && step !== "clone" ? "NO_SPACE" : "SANDBOX_SETUP_FAILED",
    step,
    errno,
    message,
    ...(subject === "" ? {} : { subject }),
  };
  return nativeSandboxError(native);
}

/** What gives steps a private network. */
export const NETWORK_REMEDY = "load the module tun or veth, or let this user open /dev/net/tun";

/** Why there is no private network, and what would give one. */
export function networkProblem(errno: number): string {
  const reason = getSystemErrorMap().get(-errno)?.[1] ?? `errno ${errno}`;
  return `neither /dev/net/tun nor a veth pair can be had (${reason}): ${NETWORK_REMEDY}`;
}

/** A failure of the addon, with what to do about it where that is known. */
export function nativeSandboxError(failure: NativeFailure): SandboxError {
  const hint = hintFor(failure);
  return new SandboxError(failure, hint === undefined ? {} : { hint });
}

const EPERM = 1;
const EACCES = 13;
const ENOTDIR = 20;
const EINVAL = 22;
const ENOSPC = 28;
const EROFS = 30;
const ELOOP = 40;
const EUSERS = 87;

function hintFor({ code, step, errno }: NativeFailure): string | undefined {
  if (code === "SANDBOX_LIMIT_UNSUPPORTED") {
    return "run where the cgroup controller is available to this user, or leave the limit out";
  }
  if (step === "clone" && (errno === ENOSPC || errno === EUSERS)) {
    return "raise the limits in /proc/sys/user/max_*_namespaces";
  }
  if ((step === "clone" || step === "mount namespace") && errno === EPERM) {
    return "run as root, or in a user namespace with mapped ids; a container needs unmasked system calls for namespaces";
  }
  if (step === "/proc" && errno === EPERM) {
    return "a container that masks parts of /proc cannot give a step its own; run it with an unmasked /proc";
  }
  if (step === "device node" && errno === EPERM) {
    return "chroot isolation makes /dev with mknod(2): give the container CAP_MKNOD, outside of any user namespace";
  }
  if (step === "device node" && errno === EACCES) {
    return "the store's filesystem is mounted nodev: put the store elsewhere with --store";
  }
  if (step === "chroot" && errno === EPERM) return "chroot(2) needs CAP_SYS_CHROOT: give it to the container";
  if (step === "mount point" && errno === EROFS) {
    return "make the directory in what is mounted there, or mount that with rw";
  }
  if (step === "mount" && errno === ENOTDIR) {
    return "a directory can only be mounted on a directory, and a file on a file";
  }
  if (step === "mount point" && (errno === ELOOP || errno === ENOTDIR)) {
    return "the image has something other than a directory where the sandbox mounts";
  }
  if (step === "overlay" && errno === EINVAL) {
    return "keep the store on a filesystem that overlayfs can write to, such as ext4, xfs, btrfs or tmpfs";
  }
  // setgroups(2) is denied where a user has a single id, and no other id can be had there: user_namespaces(7).
  if ((step === "user" && errno === EINVAL) || (step === "groups" && errno === EPERM)) {
    return "the step's user needs ids that this user does not have: give more in /etc/subuid and /etc/subgid, with newuidmap installed, or run as root";
  }
  if (step === "mount source" && errno === EINVAL) {
    return "an owner of what is mounted is no id that this user has: give more in /etc/subuid and /etc/subgid, or leave out uid= and gid=";
  }
  if (step === "time namespace" && errno === EPERM) {
    return "setting the clocks of a time namespace needs CAP_SYS_TIME: docker run --cap-add SYS_TIME";
  }
  if (step === "time namespace") return "the kernel needs CONFIG_TIME_NS (Linux 5.6)";
  return undefined;
}
