const PROTOCOLS: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/** What is odd about a port of EXPOSE; undefined: it is no port. */
export interface PortForm {
  readonly isProtocolLower: boolean;
  /** `ip:host:port`. */
  readonly hasHost: boolean;
}

/** Takes `[[ip:]host:]port[/protocol]` apart. */
export function portForm(text: string): PortForm | undefined {
  const colon = text.lastIndexOf(":");
  const [port = "", ...rest] = text.slice(colon + 1).split("/");
  const protocol = rest.join("/");
  if (port === "" || (protocol !== "" && !PROTOCOLS.has(protocol.toLowerCase()))) return undefined;
  return {
    isProtocolLower: protocol === protocol.toLowerCase(),
    hasHost: /[^:]/.test(text.slice(0, Math.max(0, colon))),
  };
}
