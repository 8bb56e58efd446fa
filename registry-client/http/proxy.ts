import { BlockList, isIP } from "node:net";
import { getProxyForUrl } from "proxy-from-env";

/** The proxy for an address by HTTPS_PROXY, HTTP_PROXY and NO_PROXY (host names, suffixes, and networks as 10.0.0.0/8). */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  const proxy = getProxyForUrl(url.href);
  if (proxy === "" || isExempt(url.hostname, env["NO_PROXY"] ?? env["no_proxy"] ?? "")) return undefined;
  return proxy;
}

/** What proxy-from-env leaves out: loopback, which no proxy can reach, and networks. */
function isExempt(hostname: string, noProxy: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (address === "localhost" || address.endsWith(".localhost")) return true;
  const family = isIP(address);
  if (family === 0) return false;
  const exempt = new BlockList();
  exempt.addSubnet("127.0.0.0", 8, "ipv4");
  exempt.addAddress("::1", "ipv6");
  for (const entry of noProxy.split(/[\s,]+/)) addNetwork(exempt, entry);
  return exempt.check(address, family === 4 ? "ipv4" : "ipv6");
}

function addNetwork(list: BlockList, entry: string): void {
  const [network = "", prefix] = entry.split("/");
  const family = isIP(network);
  const bits = Number(prefix);
  if (family === 0 || prefix === undefined || !Number.isInteger(bits)) return;
  if (bits >= 0 && bits <= (family === 4 ? 32 : 128)) list.addSubnet(network, bits, family === 4 ? "ipv4" : "ipv6");
}
