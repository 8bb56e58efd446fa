import { HOST_ADDRESS, type NetworkRule, probe } from "../runtime-core/index.ts";
import type { SourceFile } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { topologicalOrder, type Vertex } from "./llb/index.ts";
import { ALLOWED_END_FORM, type AllowedEnd, parseAllowedEnd } from "./network-rule.ts";
import type { NetworkOfSteps } from "./ops/index.ts";
import type { BuildOptions, ExtraHost } from "./options.ts";
import { readResolver } from "./resolver-file.ts";

/** Throws BuildError INVALID_NETWORK_RULE and CONFLICTING_NETWORK for options that make no sense. */
export function stepNetwork(options: BuildOptions): NetworkOfSteps {
  const { network: mode = "private", allowNet, extraHosts = [] } = options;
  const wanted = wantedOf(options);
  if (mode !== "private" && wanted !== undefined) {
    throw new BuildError("CONFLICTING_NETWORK", `${wanted} does not go with --network ${mode}`, {
      hint: `it is for the private network, which RUN has unless --network says otherwise`,
    });
  }
  const { nameservers, searchDomains, lines } = readResolver();
  const allow = allowNet?.flatMap((text) => rulesOf(text, extraHosts));
  return {
    mode,
    restriction: { nameservers, searchDomains, ...(allow === undefined ? {} : { allow }) },
    resolverLines: lines,
  };
}

/** What was asked for by name and needs a private network. */
function wantedOf({ network, allowNet, limits }: BuildOptions): string | undefined {
  if (allowNet !== undefined) return "--allow-net";
  if (limits?.netBps !== undefined) return "--net-bps";
  return network === "private" ? "--network private" : undefined;
}

function rulesOf(text: string, extraHosts: readonly ExtraHost[]): readonly NetworkRule[] {
  const end = parseAllowedEnd(text);
  if (!("problem" in end)) return [end, ...addressesOf(end, extraHosts)];
  throw new BuildError("INVALID_NETWORK_RULE", `--allow-net ${text}: ${end.problem}`, {
    hint: `it is ${ALLOWED_END_FORM}`,
  });
}

/** Names of `--add-host` are never looked up: their addresses are allowed with them. */
function addressesOf(end: AllowedEnd, extraHosts: readonly ExtraHost[]): readonly NetworkRule[] {
  if (!("name" in end)) return [];
  const port = end.port === undefined ? {} : { port: end.port };
  return extraHosts
    .filter(({ host }) => host.toLowerCase() === end.name)
    .map(({ ip }) => ({ address: ip === "host-gateway" ? HOST_ADDRESS : ip, ...port }));
}

/**
 * Throws NETWORK_UNAVAILABLE where a private network was asked for by name, or by what only it can do, and this machine has none.
 * One that was not asked for is done without, and the step that needs it says why it is missing. `directory`: the store's.
 */
export function requirePrivateNetwork(options: BuildOptions, directory: string): void {
  const wanted = wantedOf(options);
  if (wanted === undefined) return;
  const { available, networkProblem } = probe(directory);
  if (!available || networkProblem === undefined) return;
  throw new BuildError("NETWORK_UNAVAILABLE", `${wanted}: this machine gives a RUN no private network`, {
    hint: networkProblem,
  });
}

/**
 * Refuses a step that would have the host's network, or no sandbox, beside a restriction which cannot be held there:
 * CONFLICTING_NETWORK.
 */
export function checkHostNetwork(target: Vertex, options: BuildOptions, source: SourceFile): void {
  const wanted = wantedOf(options);
  if (wanted === undefined || wanted === "--network private") return;
  for (const { op, range, wordRanges } of topologicalOrder(target)) {
    if (op.type !== "exec" || (op.network !== "host" && op.security !== "insecure")) continue;
    const [flag, what] =
      op.network === "host"
        ? (["--network", "with the host's network"] as const)
        : (["--security", "without a sandbox"] as const);
    throw new BuildError("CONFLICTING_NETWORK", `${wanted} cannot be held in a step ${what}`, {
      hint: `leave out the step's ${flag}, or the restriction`,
      range: wordRanges?.get(flag) ?? range,
      source,
    });
  }
}
