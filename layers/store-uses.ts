import { readdirSync } from "node:fs";
import { join } from "node:path";
import { noteUse, openUseLog, type UseLog } from "../runtime-core/index.ts";
import { readSmallFile } from "./small-file.ts";
import { LOCK_SUFFIX, type Workspace } from "./workspace.ts";

/** Held alone while things are removed from a store, and shared for the moment in which a use is noted. */
export function pruneLockPath(root: string): string {
  return join(root, "prune.lock");
}

/**
 * What this process uses of the store: it is noted before it is looked for, so that a prune in another process either sees the
 * note and leaves the thing, or has removed it before it is looked for. The notes are in the lock file of the process's workspace,
 * and go with it.
 */
export class StoreUses {
  readonly #lockPath: string;
  readonly #logPath: string;
  readonly #noted = new Set<string>();
  #log: UseLog | undefined;

  constructor(root: string, workspace: Workspace) {
    this.#lockPath = pruneLockPath(root);
    this.#logPath = workspace.lockPath;
  }

  /** Notes a use; false when it was noted before. In place: some microseconds, or as long as a prune decides. */
  note(name: string): boolean {
    if (this.#noted.has(name)) return false;
    this.#log ??= openUseLog(this.#lockPath, this.#logPath);
    this.#log.add(name);
    this.#noted.add(name);
    return true;
  }

  /** The same, with the time and number of uses of what is a file or directory of the store: `counter` grows by a byte. */
  touch(name: string, path: string, counter?: string): void {
    if (this.note(name)) noteUse(path, counter);
  }
}

/** What every process notes that has a workspace in `directory`. Complete for who holds the prune lock alone. */
export function readUses(directory: string): ReadonlySet<string> {
  const logs = readdirSync(directory)
    .filter((name) => name.endsWith(LOCK_SUFFIX))
    .map((name) => readSmallFile(join(directory, name)) ?? "");
  return new Set(logs.flatMap((text) => text.split("\n")).filter((name) => name !== ""));
}
