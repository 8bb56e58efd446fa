import type { SandboxResult, SandboxSpec } from "../../runtime-core/index.ts";
import { parseAllowedEnd } from "../network-rule.ts";

/** What a step with an allow-list was not allowed to reach, a line each, for its output. */
export function blockedLines({ networkBlocked }: SandboxResult, spec: SandboxSpec): readonly string[] {
  if (spec.privateNetwork?.allow === undefined) return [];
  return networkBlocked.map((end) => `blocked by --allow-net: ${end}`);
}

/** What to do when a step failed that was not allowed to reach something. */
export function blockedHint({ networkBlocked }: SandboxResult, spec: SandboxSpec): string | undefined {
  if (networkBlocked.length === 0) return undefined;
  const ends = networkBlocked.slice(0, 3).join(", ");
  if (spec.privateNetwork?.allow === undefined) {
    return `closed to every RUN with a private network: ${ends}; use --network host if the step must reach it`;
  }
  const end = networkBlocked.map(suggested).find((end) => !("problem" in parseAllowedEnd(end)));
  if (end === undefined) return `closed to every RUN with a private network: ${ends}`;
  return `blocked by --allow-net: ${ends}; if the step may reach it, add --allow-net ${end}`;
}

/** `1.2.3.4:443 (example.com)` as a value of the flag: the name is what a person means. */
function suggested(end: string): string {
  const named = /^(?<address>.*):(?<port>\d+) \((?<name>.*)\)$/.exec(end)?.groups;
  return named === undefined ? end : `${named["name"]}:${named["port"]}`;
}
