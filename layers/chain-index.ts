import { join } from "node:path";
import type { Digest } from "../registry-client/index.ts";
import { readSmallFile } from "./small-file.ts";
import { isSnapshotId } from "./snapshot-record.ts";
import type { Workspace } from "./workspace.ts";

/** Chain ids of pulled layers → snapshot names, a file each. What it says is a hint: the snapshot's record is the proof. */
export class ChainIndex {
  readonly #root: string;
  readonly #workspace: Workspace;

  constructor(root: string, workspace: Workspace) {
    this.#root = root;
    this.#workspace = workspace;
  }

  find(chainId: Digest): string | undefined {
    const id = readSmallFile(this.#path(chainId));
    return isSnapshotId(id) ? id : undefined;
  }

  /** False when the chain has a name already, which stays. */
  add(chainId: Digest, id: string): boolean {
    return this.#workspace.createFile(this.#path(chainId), id);
  }

  replace(chainId: Digest, id: string): void {
    this.#workspace.replaceFile(this.#path(chainId), id);
  }

  #path(chainId: Digest): string {
    return join(this.#root, chainId.replace(":", "-"));
  }
}
