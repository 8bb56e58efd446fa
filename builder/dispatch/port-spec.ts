import { isIP } from "node:net";
import { quote } from "../dockerfile/index.ts";

const MAX_PORT = 65_535;
const PROTOCOLS: ReadonlySet<string> = new Set(["", "tcp", "udp", "sctp"]);

/** A port that is none; the message is BuildKit's. */
export class PortSpecError extends Error {}

/**
 * `[[ip:]host:]port[-port][/protocol]` → `port/protocol`, one for each port. The host part says nothing about the image: it
 * is checked and dropped. Throws PortSpecError. Reference: BuildKit's dockerfile2llb/convert_expose.go.
 */
export function parsePortSpec(text: string): readonly string[] {
  const { ip, host, container } = splitHost(text);
  const { port, protocol } = splitProtocol(text, container);
  checkAddress(ip);
  const range = parseRange(port);
  if (range === undefined) throw new PortSpecError(`invalid containerPort: ${port}`);
  checkHostPort(host, port, range);
  return Array.from({ length: range.last - range.first + 1 }, (_, offset) => `${range.first + offset}/${protocol}`);
}

/** An address has colons of its own; the two last parts are always ports. */
function splitHost(text: string): { readonly ip: string; readonly host: string; readonly container: string } {
  const parts = text.split(":");
  return { container: parts.pop() ?? "", host: parts.pop() ?? "", ip: parts.join(":") };
}

function splitProtocol(text: string, container: string): { readonly port: string; readonly protocol: string } {
  const slash = container.indexOf("/");
  const port = slash < 0 ? container : container.slice(0, slash);
  const protocol = slash < 0 ? "" : container.slice(slash + 1);
  if (port === "") throw new PortSpecError(`invalid port: ${quote(text)}: no port specified`);
  if (PROTOCOLS.has(protocol.toLowerCase())) return { port, protocol: protocol.toLowerCase() || "tcp" };
  throw new PortSpecError(`invalid port: ${quote(text)}: invalid proto: ${protocol}`);
}

function checkAddress(ip: string): void {
  const bare = /^\[(.*)\]$/.exec(ip)?.[1] ?? ip;
  if (ip !== "" && isIP(bare) === 0) throw new PortSpecError(`invalid IP address: ${bare}`);
}

/** A range of host ports is as long as that of the container, or stands for one port that is chosen of it. */
function checkHostPort(host: string, port: string, range: PortRange): void {
  if (host === "") return;
  const hostRange = parseRange(host);
  if (hostRange === undefined) throw new PortSpecError(`invalid hostPort: ${host}`);
  const length = range.last - range.first;
  if (length === 0 || length === hostRange.last - hostRange.first) return;
  throw new PortSpecError(`invalid ranges specified for container and host Ports: ${port} and ${host}`);
}

interface PortRange {
  readonly first: number;
  readonly last: number;
}

function parseRange(text: string): PortRange | undefined {
  const match = /^(\+?\d+)(?:-([+-]?\d+))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  return match !== null && first <= last && last <= MAX_PORT ? { first, last } : undefined;
}
