import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { type ExecOp, topologicalOrder, type Vertex } from "./llb/index.ts";
import type { BuildOptions, Entitlement } from "./options.ts";

/**
 * Refuses a build whose steps ask for more than the person who builds allows, before any of them runs. Who gives the whole build
 * the host's network allows it. Throws BuildError ENTITLEMENT_REQUIRED at the flag of the first such step, in BuildKit's words.
 */
export function checkEntitlements(target: Vertex, { allow = [], network }: BuildOptions, source: SourceFile): void {
  const allowed = new Set<Entitlement>([...allow, ...(network === "host" ? (["network.host"] as const) : [])]);
  for (const { op, range, wordRanges } of topologicalOrder(target)) {
    if (op.type !== "exec") continue;
    const refused = needs(op).find(({ entitlement }) => !allowed.has(entitlement));
    if (refused === undefined) continue;
    throw new BuildError("ENTITLEMENT_REQUIRED", `${refused.entitlement} is not allowed`, {
      hint: `${refused.gives}: give it with --allow ${refused.entitlement} if this Dockerfile may have that`,
      range: wordRanges?.get(refused.flag) ?? range,
      source,
    });
  }
}

interface Need {
  readonly entitlement: Entitlement;
  /** A key of the vertex's `wordRanges`. */
  readonly flag: string;
  readonly gives: string;
}

function needs(op: ExecOp): readonly Need[] {
  return [...(op.security === "insecure" ? [INSECURE] : []), ...(op.network === "host" ? [HOST_NETWORK] : [])];
}

const INSECURE: Need = {
  entitlement: "security.insecure",
  flag: "--security",
  gives: "the step runs unfenced, as root of this machine where tsbuild is",
};

const HOST_NETWORK: Need = {
  entitlement: "network.host",
  flag: "--network",
  gives: "the step reaches what listens on this machine alone",
};
