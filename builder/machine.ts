import { mkdirSync } from "node:fs";
import type { Store } from "../layers/index.ts";
import {
  filesystemOf,
  type MountRefusal,
  mayRefuseOverlay,
  mayRefuseSandbox,
  mountRefusal,
  tryChroot,
  tryNamespaces,
} from "../runtime-core/index.ts";
import { BuildError } from "./errors.ts";
import { topologicalOrder, type Vertex } from "./llb/index.ts";
import type { BuildOptions } from "./options.ts";

const OR_CHROOT =
  "or use --isolation chroot, which isolates less: steps share the container's processes and network, and have no /proc";

/**
 * Refuses a build where nothing can be mounted, before any work. A tenth of a millisecond. Throws BuildError SANDBOX_UNAVAILABLE
 * with what was refused and what to change.
 */
export function checkMounts({ isolation }: BuildOptions): void {
  if (isolation !== "chroot") refuseWithoutMounts(({ remedy }) => `${remedy}; ${OR_CHROOT}`);
}

/** The same for `run`, which knows no other isolation. */
export function checkContainerMounts(): void {
  refuseWithoutMounts(({ remedy }) => remedy);
}

function refuseWithoutMounts(hint: (refusal: MountRefusal) => string): void {
  const refusal = process.platform === "linux" ? mountRefusal() : undefined;
  if (refusal === undefined) return;
  throw new BuildError("SANDBOX_UNAVAILABLE", `this machine allows no sandbox: ${refusal.reason}`, {
    hint: hint(refusal),
  });
}

/**
 * Tries the isolation that the steps of `target` will have, where that may be refused, before the first of them runs.
 * Throws BuildError SANDBOX_UNAVAILABLE, STORE_UNSUPPORTED.
 */
export function checkSandbox(target: Vertex, { isolation }: BuildOptions, store: Store): void {
  if (isolation === "chroot") {
    checkChroot(store);
    return;
  }
  const hasSteps = topologicalOrder(target).some(({ op }) => op.type === "exec");
  if (hasSteps) checkNamespaces(store, `; ${OR_CHROOT}`);
}

/** The same for `run`. */
export function checkContainerSandbox(store: Store): void {
  checkNamespaces(store, "");
}

function checkChroot(store: Store): void {
  const { problem } = tryChroot(newDirectory(store));
  if (problem === undefined) return;
  throw new BuildError("SANDBOX_UNAVAILABLE", `this machine allows no chroot: ${problem}`, {
    hint: "see tsbuild doctor for what is missing",
  });
}

/** A look says whether trying, which takes some ten milliseconds, is worth it. */
function checkNamespaces(store: Store, otherwise: string): void {
  if (!mayRefuseSandbox() && !mayRefuseOverlay(store.root)) return;
  const { overlay, problems } = tryNamespaces(newDirectory(store));
  const [problem] = problems;
  if (problem === undefined) return;
  if (!overlay && mayRefuseOverlay(store.root)) throw storeUnsupported(store.root, problem, otherwise);
  throw new BuildError("SANDBOX_UNAVAILABLE", `this machine allows no sandbox: ${problem}`, {
    hint: `see tsbuild doctor${otherwise}`,
  });
}

function storeUnsupported(root: string, problem: string, otherwise: string): BuildError {
  const kind = filesystemOf(root) ?? "a filesystem";
  return new BuildError(
    "STORE_UNSUPPORTED",
    `the store ${root} lies on ${kind}, where overlayfs cannot write for a step`,
    {
      cause: new Error(problem),
      hint: `name one on ext4, xfs, btrfs or tmpfs with --store or TSBUILD_STORE, in a container on a volume${otherwise}`,
    },
  );
}

function newDirectory(store: Store): string {
  const directory = store.workspace.path();
  mkdirSync(directory);
  return directory;
}
