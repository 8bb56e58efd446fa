import { hostPlatform, type Platform, parsePlatform, RegistryError } from "../registry-client/index.ts";
import { BuildError } from "./errors.ts";

/** The platform that is built for; `local`, as docker says, or none is this machine's. Throws INVALID_PLATFORM. */
export function targetPlatform(text: string | undefined): Platform {
  if (text === undefined || text.toLowerCase() === "local") return hostPlatform();
  try {
    return parsePlatform(text);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new BuildError("INVALID_PLATFORM", `invalid platform: ${error.message}`, { cause: error, hint: error.hint });
  }
}
