import { invalidValue } from "./values.ts";

const ENTITLEMENTS = /^(?:network\.host|security\.insecure|device(?:[.=].*)?|fs(?:\.read|\.write)?=.*)$/;

/** `--allow`: what docker's users must grant. Nothing here waits for it. Throws INVALID_VALUE for what is no entitlement. */
export function checkEntitlements(given: readonly string[]): void {
  for (const entitlement of given.flatMap((value) => value.split(","))) {
    if (!ENTITLEMENTS.test(entitlement)) throw invalidValue("allow", entitlement, "network.host");
  }
}
