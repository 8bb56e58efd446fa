import { statSync } from "node:fs";
import { open } from "node:fs/promises";
import { BuildError } from "./errors.ts";
import type { Secret } from "./options.ts";

/** BuildKit's limit. */
const MAX_SECRET_BYTES = 500 * 1024;

/** The secrets of one build, each read once, when a step first needs it. */
export class Secrets {
  readonly #secrets: ReadonlyMap<string, Secret>;
  readonly #read = new Map<string, Promise<Uint8Array>>();

  /** Throws BuildError SECRET_NOT_FOUND for a file that is missing, SECRET_TOO_LARGE. */
  constructor(secrets: Readonly<Record<string, Secret>>) {
    this.#secrets = new Map(Object.entries(secrets));
    for (const [id, secret] of this.#secrets) checkSecret(id, secret);
  }

  /** undefined when the build has none of that name. */
  async read(id: string): Promise<Uint8Array | undefined> {
    const secret = this.#secrets.get(id);
    if (secret === undefined) return undefined;
    const reading = this.#read.get(id) ?? readSecret(id, secret);
    this.#read.set(id, reading);
    return await reading;
  }
}

function checkSecret(id: string, secret: Secret): void {
  if (!("file" in secret)) return;
  const found = statSync(secret.file, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) {
    throw new BuildError("SECRET_NOT_FOUND", `secret ${id}: ${secret.file} is not a file`, {
      hint: "give it with --secret id=NAME,src=PATH or --secret id=NAME,env=VARIABLE",
    });
  }
  if (found.size > MAX_SECRET_BYTES) throw tooLarge(id);
}

async function readSecret(id: string, secret: Secret): Promise<Uint8Array> {
  if ("env" in secret) return Buffer.from(process.env[secret.env] ?? "", "utf8");
  const bytes = "file" in secret ? await readLimited(secret.file) : Buffer.from(secret.value);
  if (bytes.length > MAX_SECRET_BYTES) throw tooLarge(id);
  return bytes;
}

/** A pipe has no size, and perhaps no end. */
async function readLimited(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length <= MAX_SECRET_BYTES) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function tooLarge(id: string): BuildError {
  return new BuildError("SECRET_TOO_LARGE", `secret ${id} too big. max size 500KB`, {
    hint: "a secret is a password or a key; mount larger files with type=bind from a context of their own",
  });
}
