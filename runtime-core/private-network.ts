/** The only nameserver of a step with a private network: what its /etc/resolv.conf must name. */
export const RESOLVER_ADDRESS = "192.0.0.102";

/** Leads a step with a private network to the machine's own address, and what listens there: not to its loopback. */
export const HOST_ADDRESS = "192.0.0.101";

/** The network of a step that has one of its own. */
export interface PrivateNetwork {
  /** Who answers the step's lookups, in the order to be tried: an address, or `address:port` with IPv6 in brackets. */
  readonly nameservers: readonly string[];
  /** resolv.conf(5), `search`. */
  readonly searchDomains?: readonly string[];
  /** The only ends the step may reach; absent is all that is not closed to every step. */
  readonly allow?: readonly NetworkRule[];
}

/** An end that a step may reach. Names are matched by what the step looks up: their addresses open when they are found. */
export type NetworkRule = (
  | {
      /** A host name, or `*.` and a name for all names below it. */
      readonly name: string;
    }
  | {
      readonly address: string;
      /** How many bits count; absent is all. */
      readonly prefixLength?: number;
    }
) & {
  /** Absent is every port. */
  readonly port?: number;
};
