import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LayerError } from "./errors.ts";
import type { Workspace } from "./workspace.ts";

/** In a store all of whose files were made by a process with a single id. */
const MARK = "single-id";

/**
 * A process with a single id sees every other owner as nobody, and would put nobody into layers: it uses only stores that such processes
 * alone have written. Marks a store that is new, and takes the mark away when a process with more ids opens it. Throws STORE_IDS.
 */
export function checkIds(root: string, isNew: boolean, workspace: Workspace): void {
  const path = join(root, MARK);
  const isSingle = hasSingleId();
  if (!isSingle) rmSync(path, { force: true });
  else if (isNew) workspace.replaceFile(path, "");
  if (!isSingle || existsSync(path)) return;
  throw new LayerError("STORE_IDS", `${root} has files of owners that cannot be told apart with a single id`, {
    hint: "build as it was made, with newuidmap and subordinate ids, or use another store with TSBUILD_STORE",
  });
}

/** user_namespaces(7): lines of `first inside, first outside, count`. */
function hasSingleId(): boolean {
  if (process.platform !== "linux") return false;
  return ["uid_map", "gid_map"].some((name) => {
    const counts = readFileSync(`/proc/self/${name}`, "utf8").trim().split("\n");
    return counts.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0) === 1;
  });
}
