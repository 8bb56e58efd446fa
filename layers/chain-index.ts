import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../registry-client/index.ts";
import { isAbsent, isSnapshotId } from "./snapshot-record.ts";
import type { Workspace } from "./workspace.ts";

/** Chain ids of pulled layers → snapshot names, a file each. What it says is a hint: the snapshot's record is the proof. */
export class ChainIndex {
  readonly #root: string;
  readonly #workspace: Workspace;

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  async find(chainId: Digest): Promise<string | undefined> {
    try {
      const id = await readFile(this.#path(chainId), "utf8");
      return isSnapshotId(id) ? id : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** False when the chain has a name already, which stays. */
  async add(chainId: Digest, id: string): Promise<boolean> {
    return await this.#workspace.createFile(this.#path(chainId), id);
  }

  async replace(chainId: Digest, id: string): Promise<void> {
    await this.#workspace.replaceFile(this.#path(chainId), id);
  }

  #path(chainId: Digest): string {
    return join(this.#root, chainId.replace(":", "-"));
  }
}
