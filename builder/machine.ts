import { mkdirSync } from "node:fs";
import type { Store } from "../layers/index.ts";
import { type MountRefusal, mayRefuseSandbox, mountRefusal, tryChroot, tryNamespaces } from "../runtime-core/index.ts";
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
 * Throws BuildError SANDBOX_UNAVAILABLE.
 */
export function checkSandbox(target: Vertex, { isolation }: BuildOptions, store: Store): void {
  const hasSteps = topologicalOrder(target).some(({ op }) => op.type === "exec");
  if (isolation !== "chroot" && !(hasSteps && mayRefuseSandbox())) return;
  const directory = store.workspace.path();
  mkdirSync(directory);
  const problem = isolation === "chroot" ? tryChroot(directory).problem : tryNamespaces(directory).problems[0];
  if (problem === undefined) return;
  throw new BuildError("SANDBOX_UNAVAILABLE", `this machine allows no ${isolation ?? "sandbox"}: ${problem}`, {
    hint: isolation === "chroot" ? "see tsbuild doctor for what is missing" : `see tsbuild doctor; ${OR_CHROOT}`,
  });
}
