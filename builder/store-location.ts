import { homedir } from "node:os";
import { join } from "node:path";

/** Where the store is when nobody says: `$TSBUILD_STORE`, else /var/lib/tsbuild for root, else the XDG data directory. */
export function defaultStore(env: NodeJS.ProcessEnv = process.env): string {
  const named = env["TSBUILD_STORE"];
  if (named !== undefined && named !== "") return named;
  if (process.getuid?.() === 0) return "/var/lib/tsbuild";
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "tsbuild");
}
