import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import {
  type CallOptions,
  type Digest,
  RegistryError,
  redactUrl,
  type TransportResponse,
} from "../../registry-client/index.ts";
import { BuildError } from "../errors.ts";

/** How a file is fetched. */
export interface FetchOptions extends CallOptions {
  /** Bytes so far; `total` is 0 where the server does not say. */
  readonly onProgress?: (bytes: number, total: number) => void;
}

/** What was written. */
export interface WrittenBody {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** The body as a new file of mode 0600. Throws HTTP_TOO_LARGE, and a transient RegistryError where it ends early. */
export async function writeBody(
  response: TransportResponse,
  path: string,
  options: FetchOptions & { readonly maxBytes: number },
): Promise<WrittenBody> {
  const { maxBytes } = options;
  const total = Number(response.headers.get("content-length") ?? 0);
  if (total > maxBytes) throw tooLarge(response.url, maxBytes);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const file = await open(path, "wx", 0o600);
  try {
    await file.chmod(0o600);
    for await (const chunk of response.body) {
      options.signal?.throwIfAborted();
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maxBytes) throw tooLarge(response.url, maxBytes);
      hash.update(chunk);
      await writeAll(file, chunk);
      options.onProgress?.(sizeBytes, total);
    }
  } finally {
    await file.close();
  }
  if (total !== 0 && sizeBytes !== total) throw truncated(response.url, sizeBytes, total);
  return { digest: `sha256:${hash.digest("hex")}` as Digest, sizeBytes };
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
}

function tooLarge(url: URL, maxBytes: number): BuildError {
  return new BuildError("HTTP_TOO_LARGE", `${redactUrl(url)} has more than ${maxBytes} bytes`);
}

function truncated(url: URL, bytes: number, total: number): RegistryError {
  const message = `GET ${redactUrl(url)}: the answer ended after ${bytes} of ${total} bytes`;
  return new RegistryError("REGISTRY_UNREACHABLE", message, { url, isTransient: true });
}
