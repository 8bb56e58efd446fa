import { isIP } from "node:net";
import type { ExtraHost } from "../options.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue } from "./values.ts";

/**
 * `--add-host HOST:IP` or `HOST=IP`; an IPv6 address may be in brackets. Throws INVALID_VALUE, and UNSUPPORTED_FLAG for
 * docker's `host-gateway`: there is no bridge whose gateway it could be.
 */
export function parseExtraHost(text: string): ExtraHost {
  const [, host = "", address = ""] = /^([^=:\s]+)[=:](.*)$/s.exec(text) ?? [];
  const ip = address.replace(/^\[(.*)\]$/, "$1");
  if (address === "host-gateway") {
    throw new UsageError(
      "UNSUPPORTED_FLAG",
      "--add-host with host-gateway is not supported",
      "with --network host a RUN reaches this machine at 127.0.0.1",
    );
  }
  if (host === "" || isIP(ip) === 0) throw invalidValue("add-host", text, "HOST:IP");
  return { host, ip };
}
