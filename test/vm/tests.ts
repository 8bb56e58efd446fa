/**
 * Test files whose path contains one of these run in the guest unless others are named: the limits on cgroup v2, and what most depends
 * on the kernel's age.
 */
export const DEFAULT_TESTS: readonly string[] = [
  ...["limits", "ulimits", "group", "disk", "confine", "mounts", "root", "syscalls"].map((name) => `sandbox-${name}`),
  "sandbox-io-limits",
  "runtime-core/sandbox.test",
  "test/layers/overlay-snapshotter",
];

/** Everything that says something about the kernel, the attacks too, in many times the time. */
export const ALL_TESTS: readonly string[] = ["test/runtime-core/", "test/layers/", "test/attack/", "test/e2e/"];
