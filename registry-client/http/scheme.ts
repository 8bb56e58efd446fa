import { BlockList, isIP } from "node:net";

/** Long enough for a handshake on the far side of the world. */
const probeTimeoutMs = 3_000;

/**
 * How a registry is spoken to. Always https, except for this machine's own and those marked insecure: they get http when
 * their port does not answer a TLS handshake. A port that does speak TLS is never spoken to in the clear.
 */
export async function resolveScheme(host: string, isInsecure: boolean): Promise<"http" | "https"> {
  if (!isInsecure && !isLoopback(new URL(`https://${host}`).hostname)) return "https";
  return (await speaksTls(host)) ? "https" : "http";
}

/** localhost, *.localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (address === "localhost" || address.endsWith(".localhost")) return true;
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Only whether there is a TLS server: its certificate is judged by the connection that carries data. */
async function speaksTls(host: string): Promise<boolean> {
  const { connect } = await import("node:tls");
  const url = new URL(`https://${host}`);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const servername = isIP(hostname) === 0 ? { servername: hostname } : {};
  return await new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(url.port || 443), rejectUnauthorized: false, ...servername });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(probeTimeoutMs, () => finish(false));
    socket.once("secureConnect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}

/** Addresses that lead into a private network or to this machine, where a public registry has no business. */
export function isPrivateAddress(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(address);
  return family !== 0 && privateNetworks.check(address, family === 4 ? "ipv4" : "ipv6");
}

const privateNetworks = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  privateNetworks.addSubnet(network, bits, "ipv4");
}
for (const [network, bits] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  privateNetworks.addSubnet(network, bits, "ipv6");
}
