/** Test files whose path contains one of these run in the guest unless others are named: what depends on the kernel and on cgroups. */
export const DEFAULT_TESTS: readonly string[] = [
  "test/runtime-core/sandbox",
  "test/runtime-core/tree-rootfs",
  "test/attack/",
  "test/layers/overlay-snapshotter",
  "test/e2e/run-mounts",
  "test/e2e/rootless",
];

/** Everything that says something about the kernel, in about four times the time. */
export const ALL_TESTS: readonly string[] = ["test/runtime-core/", "test/layers/", "test/attack/", "test/e2e/"];
