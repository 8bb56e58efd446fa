/** Docker's default capabilities by their numbers in capabilities(7): what root of a step has. */
const DEFAULT_CAPABILITIES = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  NET_BIND_SERVICE: 10,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  MKNOD: 27,
  AUDIT_WRITE: 29,
  SETFCAP: 31,
} as const;

/** A capability that root of a step has unless it is dropped, without `CAP_`. */
export type Capability = keyof typeof DEFAULT_CAPABILITIES;

/** All of them. */
export const CAPABILITIES: readonly Capability[] = Object.keys(DEFAULT_CAPABILITIES) as Capability[];

/** Its bit in capabilities(7). */
export function capabilityNumber(capability: Capability): number {
  return DEFAULT_CAPABILITIES[capability];
}
