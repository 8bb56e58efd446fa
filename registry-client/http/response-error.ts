import { RegistryError, type RegistryErrorCode, redactUrl } from "../errors.ts";
import type { ByteStream } from "../storage.ts";
import type { TransportResponse } from "../transport.ts";
import { isTransientStatus, parseRetryAfter } from "./retry.ts";

/** An error page past this is cut off. */
const maxErrorBytes = 64 << 10;
const maxMessageLength = 400;

/** Reference: distribution-spec v1.1, "Error Codes". */
const specCodes: ReadonlyMap<string, RegistryErrorCode> = new Map([
  ["UNAUTHORIZED", "UNAUTHORIZED"],
  ["DENIED", "DENIED"],
  ["NAME_UNKNOWN", "NAME_UNKNOWN"],
  ["MANIFEST_UNKNOWN", "MANIFEST_UNKNOWN"],
  ["MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"],
  ["BLOB_UNKNOWN", "BLOB_UNKNOWN"],
  ["TOOMANYREQUESTS", "RATE_LIMITED"],
  ["DIGEST_INVALID", "DIGEST_MISMATCH"],
  ["SIZE_INVALID", "SIZE_MISMATCH"],
  ["UNSUPPORTED", "UNSUPPORTED"],
]);

const statusCodes: ReadonlyMap<number, RegistryErrorCode> = new Map([
  [401, "UNAUTHORIZED"],
  [403, "DENIED"],
  [404, "NOT_FOUND"],
  [405, "UNSUPPORTED"],
  [413, "TOO_LARGE"],
  [429, "RATE_LIMITED"],
]);

export interface ErrorContext {
  readonly method: string;
  readonly hint?: string | undefined;
  /** What must not be repeated, should the registry echo it. */
  readonly secret?: string | undefined;
}

/** The failure a response stands for. Reads and ends the response. */
export async function responseError(response: TransportResponse, context: ErrorContext): Promise<RegistryError> {
  const reason = parseReason(await readText(response.body));
  await response.discard();
  const code = errorCode(response.status, reason.codes);
  const said = printable(reason.message, context.secret);
  return new RegistryError(
    code,
    `${context.method} ${redactUrl(response.url)}: ${response.status}${said ? ` ${said}` : ""}`,
    {
      method: context.method,
      url: response.url,
      status: response.status,
      hint: context.hint,
      retryAt: parseRetryAfter(response.headers.get("retry-after")),
      isTransient: isTransientStatus(response.status),
      requestId: response.headers.get("x-request-id") ?? response.headers.get("docker-request-id"),
    },
  );
}

/** A body as text, cut off rather than refused: it only explains. */
async function readText(body: ByteStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= maxErrorBytes) break;
    }
  } catch {
    // The connection broke in the middle of an explanation: what came of it is shown, under the status that is known.
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes).toString("utf8");
}

interface Reason {
  readonly codes: readonly string[];
  readonly message: string;
}

function parseReason(text: string): Reason {
  const document = parseJson(text);
  const errors = document?.["errors"];
  if (Array.isArray(errors))
    return { codes: errors.map((error) => String(error?.code ?? "")), message: errors.map(describe).join("; ") };
  const details = document?.["details"] ?? document?.["message"];
  if (typeof details === "string") return { codes: [], message: details };
  return { codes: [], message: document || text.trimStart().startsWith("<") ? "" : text };
}

function describe(error: unknown): string {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return [code, message].filter((part) => typeof part === "string" && part !== "").join(": ");
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function errorCode(status: number, codes: readonly string[]): RegistryErrorCode {
  if (status >= 500) return "REGISTRY_FAILED";
  const known = codes.map((code) => specCodes.get(code)).find((code) => code !== undefined);
  return known ?? statusCodes.get(status) ?? "PROTOCOL_ERROR";
}

/** One line without control characters, which could move a terminal's cursor. */
function printable(message: string, secret: string | undefined): string {
  const safe = secret ? message.replaceAll(secret, "***") : message;
  const line = safe.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > maxMessageLength ? `${line.slice(0, maxMessageLength)}…` : line;
}
