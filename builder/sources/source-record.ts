import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Store } from "../../layers/index.ts";

/** A small JSON file that says what was fetched: `sources/KIND/NAME.json` of the store, NAME the digest of what was asked for. */
export class SourceRecord {
  readonly #store: Store;
  readonly #path: string;

  /** `identity` must be JSON with a fixed key order. It is kept as its digest alone: an address may hold a secret. */
  constructor(store: Store, kind: "http" | "git", identity: unknown) {
    const name = createHash("sha256").update(JSON.stringify(identity)).digest("hex");
    this.#store = store;
    this.#path = join(store.root, "sources", kind, `${name}.json`);
  }

  /** What was written, not checked; undefined where there is nothing that can be read. */
  read(): unknown {
    try {
      return JSON.parse(readFileSync(this.#path, "utf8"));
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  write(content: unknown): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    this.#store.workspace.replaceFile(this.#path, JSON.stringify(content));
  }
}
