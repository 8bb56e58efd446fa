import { readFile } from "node:fs/promises";
import { HOST_ADDRESS, RESOLVER_ADDRESS, type SandboxSpec } from "../../runtime-core/index.ts";
import type { ExtraHost } from "../options.ts";
import type { NetworkOfSteps } from "./context.ts";

type Network = SandboxSpec["network"];

/**
 * /etc/hosts of a step, as BuildKit writes it: its own name, then those of `--add-host`; with the host's network, the host's
 * own names too.
 */
export async function sandboxHosts(hostname: string, network: Network, extra: readonly ExtraHost[]): Promise<string> {
  const added = extra.map(({ host, ip }) => `${addressOf(ip, network)}\t${host}\n`).join("");
  const own = `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n${added}`;
  if (network !== "host") return own;
  return (
    own +
    (await hostLines("/etc/hosts"))
      .filter(isForeignHost)
      .map((line) => `${line}\n`)
      .join("")
  );
}

/** Docker's `host-gateway`: where this machine is reached from. */
function addressOf(ip: string, network: Network): string {
  if (ip !== "host-gateway") return ip;
  return network === "host" ? "127.0.0.1" : HOST_ADDRESS;
}

/** /etc/resolv.conf of a step: the host's with its network, its own nameserver's with a private one, nothing without. */
export async function sandboxResolvConf(network: Network, { resolverLines }: NetworkOfSteps): Promise<string> {
  if (network === "none") return "";
  if (network === "private") return [`nameserver ${RESOLVER_ADDRESS}`, ...resolverLines, ""].join("\n");
  return (await hostLines("/etc/resolv.conf")).map((line) => `${line}\n`).join("");
}

async function hostLines(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, "utf8")).split("\n").filter((line) => line.trim() !== "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Loopback names are the sandbox's own. */
function isForeignHost(line: string): boolean {
  return !/^\s*(?:#|127\.|::1\b|fe00::|ff0)/.test(line);
}
