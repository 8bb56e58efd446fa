/** The only nameserver of a step with a private network: what its /etc/resolv.conf must name. */
export const RESOLVER_ADDRESS = "192.0.0.102";

/** Leads a step with a private network to the machine's own address, and what listens there: not to its loopback. */
export const HOST_ADDRESS = "192.0.0.101";
