import { isIP } from "node:net";
import type { ExtraHost } from "../options.ts";
import { invalidValue } from "./values.ts";

/** `--add-host HOST:IP` or `HOST=IP`; an IPv6 address may be in brackets, and `host-gateway` is docker's. Throws INVALID_VALUE. */
export function parseExtraHost(text: string): ExtraHost {
  const [, host = "", address = ""] = /^([^=:\s]+)[=:](.*)$/s.exec(text) ?? [];
  const ip = address.replace(/^\[(.*)\]$/, "$1");
  if (host === "" || (isIP(ip) === 0 && ip !== "host-gateway")) throw invalidValue("add-host", text, "HOST:IP");
  return { host, ip };
}
