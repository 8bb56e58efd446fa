import { readFileSync } from "node:fs";
import { isIP } from "node:net";

/** What the machine's /etc/resolv.conf says: resolv.conf(5). */
export interface ResolverFile {
  /** Addresses, one that is link-local with its zone, in their order; with none the resolver asks this machine itself. */
  readonly nameservers: readonly string[];
  readonly searchDomains: readonly string[];
  /** The lines that a step's own file has too: `search` and `options`. */
  readonly lines: readonly string[];
}

const LOCAL = "127.0.0.1";

/** Reads it. Where there is none, lookups go to this machine, as those of its own programs do. */
export function readResolver(path = "/etc/resolv.conf"): ResolverFile {
  const rows = linesOf(path).map((line) => line.trim().split(/\s+/));
  const values = (keyword: string) => rows.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  // The last search line counts, and `domain` is its old form.
  const searchDomains = [...values("domain"), ...values("search")].at(-1) ?? [];
  const options = values("options").flat();
  // What is no address, every resolver passes over.
  const nameservers = values("nameserver").flatMap(([address = ""]) => (isIP(address) === 0 ? [] : [address]));
  return {
    nameservers: nameservers.length === 0 ? [LOCAL] : nameservers,
    searchDomains: searchDomains.filter((domain) => domain !== "."),
    lines: [
      ...(searchDomains.length === 0 ? [] : [`search ${searchDomains.join(" ")}`]),
      ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
    ],
  };
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
