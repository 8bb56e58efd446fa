import { readFile } from "node:fs/promises";
import type { ExtraHost } from "../options.ts";

/**
 * /etc/hosts of a step, as BuildKit writes it: its own name, then those of `--add-host`; with the host's network, the host's
 * own names too.
 */
export async function sandboxHosts(
  hostname: string,
  network: "none" | "host",
  extra: readonly ExtraHost[],
): Promise<string> {
  const added = extra.map(({ host, ip }) => `${ip}\t${host}\n`).join("");
  const own = `127.0.0.1\tlocalhost ${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n${added}`;
  if (network === "none") return own;
  return (
    own +
    (await hostLines("/etc/hosts"))
      .filter(isForeignHost)
      .map((line) => `${line}\n`)
      .join("")
  );
}

/** /etc/resolv.conf of a step: the host's with its network, nothing without. */
export async function sandboxResolvConf(network: "none" | "host"): Promise<string> {
  if (network === "none") return "";
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
