import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";

/** An end of `--allow-net`: a name or an address, with a port or for all of them. */
export type AllowedEnd =
  /** `*.example.com` is all names below example.com. */
  | { readonly name: string; readonly port?: number }
  | { readonly address: string; readonly prefixLength?: number; readonly port?: number };

/** What an end looks like, for hints. */
export const ALLOWED_END_FORM = "HOST[:PORT]: example.com:443, *.example.com, 10.0.0.0/8, [2001:db8::1]:443";

/** Why a text is no end that could be allowed. */
export interface RuleProblem {
  readonly problem: string;
}

/**
 * Reads `HOST[:PORT]`: a name, `*.` and a name, an IPv4 address or block, an IPv6 address or block; with a port, IPv6 is in
 * brackets.
 */
export function parseAllowedEnd(text: string): AllowedEnd | RuleProblem {
  if (text.includes("://")) return { problem: "a URL is no end, its host is" };
  const [host, portText] = splitPort(text.trim());
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && !(/^\d{1,5}$/.test(portText ?? "") && port > 0 && port < 65536)) {
    return { problem: `${portText} is not a port` };
  }
  const end = host.includes("/") || isIP(host) !== 0 ? parseBlock(host) : parseName(host);
  return "problem" in end || port === undefined ? end : { ...end, port };
}

function splitPort(text: string): readonly [host: string, port: string | undefined] {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) return [bracketed[1] ?? "", bracketed[2]];
  const parts = text.split(":");
  return parts.length === 2 ? [parts[0] ?? "", parts[1]] : [text, undefined];
}

function parseBlock(text: string): AllowedEnd | RuleProblem {
  const [given = "", length] = text.split("/");
  const bits = isIP(given) === 4 ? 32 : 128;
  if (isIP(given) === 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits))) {
    return { problem: `${text} is not an address or a block of addresses` };
  }
  if (given.includes("%")) return { problem: `${given} is link-local, and closed to every RUN` };
  const { address, prefixLength } = asReached(given, length === undefined ? bits : Number(length));
  const problem = closedProblem(address, prefixLength);
  if (problem !== undefined) return { problem };
  return length === undefined ? { address } : { address, prefixLength };
}

interface Block {
  readonly address: string;
  readonly prefixLength: number;
}

/** IPv6 that stands for IPv4 addresses is reached by IPv4: RFC 4291, section 2.5.5.2. */
function asReached(address: string, prefixLength: number): Block {
  if (isIP(address) === 4 || prefixLength < 96) return { address, prefixLength };
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${address}]`).hostname);
  if (mapped === null) return { address, prefixLength };
  const words = mapped.slice(1).map((word) => Number.parseInt(word, 16));
  return { address: words.flatMap((word) => [word >> 8, word & 0xff]).join("."), prefixLength: prefixLength - 96 };
}

/** Why a rule for these addresses could never hold. */
function closedProblem(address: string, prefixLength: number): string | undefined {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  const isWithin = (block: ClosedBlock) =>
    block.family === family && block.prefixLength <= prefixLength && block.list.check(address, family);
  if (CLOSED.some(isWithin)) {
    return `${address} is this machine's own, link-local or a metadata service, and closed to every RUN`;
  }
  if (!NOBODYS.some(isWithin)) return undefined;
  return `${address} is nobody's address: all that there are is ${family === "ipv4" ? "0.0.0.0/0" : "::/0"}`;
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

function parseName(text: string): AllowedEnd | RuleProblem {
  const isBelow = text.startsWith("*.");
  const bare = (isBelow ? text.slice(2) : text).replace(/\.$/, "");
  const name = domainToASCII(bare).toLowerCase() || bare.toLowerCase();
  if (name === "localhost") return { problem: "localhost is this machine's own, and closed to every RUN" };
  if (name.length > 253 || !name.split(".").every((label) => LABEL.test(label)) || /(?:^|\.)\d+$/.test(name)) {
    return { problem: `${text === "" ? "nothing" : text} is not a host name or an address` };
  }
  return { name: isBelow ? `*.${name}` : name };
}

interface ClosedBlock {
  readonly family: "ipv4" | "ipv6";
  readonly prefixLength: number;
  readonly list: BlockList;
}

function closed(address: string, prefixLength: number): ClosedBlock {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, prefixLength, family);
  return { family, prefixLength, list };
}

/**
 * What the addon closes to every step (`runtime-core/src/network/address.rs`), as far as a person might name it: to say so before
 * anything runs.
 */
const CLOSED = [
  closed("127.0.0.0", 8),
  closed("169.254.0.0", 16),
  closed("224.0.0.0", 3),
  closed("192.0.0.192", 32),
  closed("100.100.100.200", 32),
  closed("168.63.129.16", 32),
  closed("::1", 128),
  closed("fe80::", 9),
  closed("ff00::", 8),
  closed("fd00:ec2::", 32),
  closed("fd20:ce::", 32),
];

/** What no connection can have as its end: unspecified, of "this network" (RFC 6890), IPv4 in IPv6 (RFC 4291, RFC 2765). */
const NOBODYS = [closed("0.0.0.0", 8), closed("::", 64)];
