/**
 * Test files whose path contains one of these run in the guest unless others are named: the limits on cgroup v2, and what most depends
 * on the kernel's age.
 */
const DEFAULT_TESTS: readonly string[] = [
  ...["limits", "ulimits", "group", "disk", "confine", "mounts", "root", "syscalls"].map((name) => `sandbox-${name}`),
  "sandbox-io-limits",
  "runtime-core/sandbox.test",
  "test/layers/overlay-snapshotter",
  "test/attack/processes",
];

/** Everything that says something about the kernel, the attacks too, in many times the time. */
const ALL_TESTS: readonly string[] = ["test/runtime-core/", "test/layers/", "test/attack/", "test/e2e/"];

/** Words of test/run.ts. With none, the user runs what means something to one: many files are root's, or make users of their own. */
export interface Filters {
  readonly root: readonly string[];
  readonly user: readonly string[];
}

/** The files that are named, or else all or those of the default. */
export function filtersOf(named: readonly string[], all: boolean): Filters {
  if (named.length > 0) return { root: named, user: named };
  return all ? { root: ALL_TESTS, user: [] } : { root: DEFAULT_TESTS, user: DEFAULT_TESTS };
}
