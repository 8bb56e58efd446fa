import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { openStatIndex, type StatIndex, saveStatIndex } from "../runtime-core/index.ts";
import type { Workspace } from "./workspace.ts";

/** Contexts that were built from longest ago are forgotten. */
const MAX_INDEXES = 64;

/**
 * What the files of build contexts hold, by what stat(2) says of them: one index a directory, named by its device and inode. All of
 * it can be made again; two processes that write the same one leave that of the last.
 */
export class StatIndexes {
  readonly #root: string;
  readonly #workspace: Workspace;
  readonly #open = new Map<string, StatIndex>();

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  /** That of a directory of the host, read at its first use; undefined when there is none, or it is the store's own and ends with the build. */
  of(directory: string): StatIndex | undefined {
    if (directory.startsWith(dirname(this.#root) + sep)) return undefined;
    const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const name = `${found.dev.toString(36)}-${found.ino.toString(36)}`;
    const index = this.#open.get(name) ?? openStatIndex(join(this.#root, name));
    this.#open.set(name, index);
    return index;
  }

  /** Keeps what this process found out. A full disk or a store that cannot be written costs the next build time, and this one nothing. */
  async save(): Promise<void> {
    if (this.#open.size === 0) return;
    try {
      mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      for (const [name, index] of this.#open) await this.#saveOne(name, index);
      this.#forgetOldest();
    } catch {
      // Whatever it was, what was not kept is read again.
    }
  }

  /** The mtime says when it was last of use. */
  async #saveOne(name: string, index: StatIndex): Promise<void> {
    const isWritten = await saveStatIndex(index, this.#workspace.path());
    const path = join(this.#root, name);
    if (isWritten || statSync(path, { throwIfNoEntry: false }) === undefined) return;
    const now = new Date();
    utimesSync(path, now, now);
  }

  #forgetOldest(): void {
    const names = readdirSync(this.#root);
    if (names.length <= MAX_INDEXES) return;
    const used = (name: string) => statSync(join(this.#root, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    const newestFirst = names.map((name) => ({ name, usedMs: used(name) })).sort((a, b) => b.usedMs - a.usedMs);
    for (const { name } of newestFirst.slice(MAX_INDEXES)) rmSync(join(this.#root, name), { force: true });
  }
}
