import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ByteStream } from "../storage.ts";
import { ownedName, ownerState, parseOwner } from "./owner.ts";

/** Temporary files of makers that we cannot see (another pid namespace) are kept this long. */
const foreignAgeMs = 24 * 60 * 60 * 1000;

/** Whether files are forced to the disk before they get their final name. */
export type Durability = "fsync" | "none";

/** The folder where files grow before they appear, whole, under their final name. */
export class IngestFolder {
  readonly path: string;
  readonly #durability: Durability;

  constructor(path: string, durability: Durability) {
    this.path = path;
    this.#durability = durability;
  }

  /** A path that no other process uses, on the same filesystem as the final names. Nothing is created. */
  newPath(): string {
    return join(this.path, ownedName());
  }

  /** The stream into `destination`: all of it or nothing, also when the process or the machine dies on the way. */
  async write(content: ByteStream, destination: string, durability: Durability = this.#durability): Promise<void> {
    const temporary = this.newPath();
    try {
      await this.#fill(temporary, content, durability);
      await this.publish(temporary, destination, durability);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** rename(2) of a file that is complete and synced. */
  async publish(temporary: string, destination: string, durability: Durability = this.#durability): Promise<void> {
    await mkdir(dirname(destination), { recursive: true });
    await rename(temporary, destination);
    if (durability === "fsync") await syncFolder(dirname(destination));
  }

  /** Forces a file that somebody else wrote to the disk. */
  async sync(path: string): Promise<void> {
    if (this.#durability === "none") return;
    const file = await open(path, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Removes what processes that no longer run have left. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (await this.#isAbandoned(name)) await rm(join(this.path, name), { recursive: true, force: true });
    }
  }

  async #fill(path: string, content: ByteStream, durability: Durability): Promise<void> {
    const file = await open(path, "wx", 0o644);
    try {
      for await (const chunk of content) await writeAll(file, chunk);
      if (durability === "fsync") await file.datasync();
    } finally {
      await file.close();
    }
  }

  async #isAbandoned(name: string): Promise<boolean> {
    const owner = parseOwner(name.slice(name.lastIndexOf(".") + 1));
    const state = owner ? ownerState(owner) : "unknown";
    if (state !== "unknown") return state === "dead";
    // Gone, or not ours to look at: either way not ours to remove.
    const info = await stat(join(this.path, name)).catch(() => undefined);
    return info !== undefined && Date.now() - info.mtimeMs > foreignAgeMs;
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

/** A rename is on the disk once its folder is. fsync(2) */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
