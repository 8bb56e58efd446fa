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
  const [address = "", length] = text.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= most))) {
    return { problem: `${text} is not an address or a block of addresses` };
  }
  if (CLOSED.check(address, family === 4 ? "ipv4" : "ipv6")) {
    return { problem: `${address} is this machine's own, link-local or a metadata service, and closed to every RUN` };
  }
  return length === undefined ? { address } : { address, prefixLength: Number(length) };
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

/**
 * What the addon closes to every step (`runtime-core/src/network/address.rs`), as far as a person might name it: to say so before
 * anything runs.
 */
const CLOSED = new BlockList();
for (const [address, length] of [
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
  ["192.0.0.192", 32],
  ["100.100.100.200", 32],
  ["168.63.129.16", 32],
] as const) {
  CLOSED.addSubnet(address, length, "ipv4");
}
for (const [address, length] of [
  ["::1", 128],
  ["fe80::", 10],
  ["ff00::", 8],
  ["fd00:ec2::", 32],
  ["fd20:ce::", 32],
] as const) {
  CLOSED.addSubnet(address, length, "ipv6");
}
