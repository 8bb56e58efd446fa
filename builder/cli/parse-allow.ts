import type { Entitlement } from "../options.ts";
import { invalidValue } from "./values.ts";

const ENTITLEMENTS: readonly Entitlement[] = ["network.host", "security.insecure"];
/** What docker asks leave for and tsbuild does not. */
const OF_DOCKER = /^(?:device(?:[.=].*)?|fs(?:\.read|\.write)?=.*)$/;

/** `--allow`, each with one or several separated by commas. Throws INVALID_VALUE for what is no entitlement. */
export function parseAllow(given: readonly string[]): readonly Entitlement[] {
  return given.flatMap((value) => value.split(",")).flatMap(parseOne);
}

function parseOne(text: string): readonly Entitlement[] {
  const found = ENTITLEMENTS.find((entitlement) => entitlement === text);
  if (found === undefined && !OF_DOCKER.test(text)) throw invalidValue("allow", text, ENTITLEMENTS.join(" or "));
  return found === undefined ? [] : [found];
}
