/** Why a registry call failed. The strings are stable. */
export type RegistryErrorCode =
  | "UNAUTHORIZED"
  | "DENIED"
  | "NOT_FOUND"
  | "NAME_UNKNOWN"
  | "MANIFEST_UNKNOWN"
  | "MANIFEST_BLOB_UNKNOWN"
  | "BLOB_UNKNOWN"
  | "RATE_LIMITED"
  | "TOO_LARGE"
  | "DIGEST_MISMATCH"
  | "SIZE_MISMATCH"
  | "INVALID_REFERENCE"
  | "INVALID_DIGEST"
  | "INVALID_CONTENT"
  | "INVALID_CONFIG"
  | "INVALID_LAYOUT"
  | "LAYOUT_LOCKED"
  | "PLATFORM_NOT_FOUND"
  | "CREDENTIALS_FAILED"
  | "REGISTRY_BLOCKED"
  | "REGISTRY_UNREACHABLE"
  | "REGISTRY_FAILED"
  | "TLS_UNTRUSTED"
  | "UNSUPPORTED"
  | "PROTOCOL_ERROR";

export interface RegistryErrorOptions {
  /** What to do about it, a sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly method?: string | undefined;
  /** Kept without user, password and query: a query may be a signature. */
  readonly url?: URL | undefined;
  readonly status?: number | undefined;
  /** When the registry wants the call to be made again. */
  readonly retryAt?: Date | undefined;
  /** Whether the same call may succeed a little later. Default false. */
  readonly isTransient?: boolean | undefined;
  /** The registry's own id of the request, for its operator's logs. */
  readonly requestId?: string | undefined;
}

/** Every failure of this module that is not a programmer's mistake. No message, field or cause holds a secret. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: RegistryErrorCode;
  readonly hint: string | undefined;
  readonly method: string | undefined;
  /** Without user, password and query. */
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly retryAt: Date | undefined;
  readonly isTransient: boolean;
  readonly requestId: string | undefined;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.method = options.method;
    this.url = options.url && redactUrl(options.url);
    this.status = options.status;
    this.retryAt = options.retryAt;
    this.isTransient = options.isTransient ?? false;
    this.requestId = options.requestId;
  }
}

/** The address without user, password and query: what may be shown and logged. */
export function redactUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

const notFoundCodes: ReadonlySet<string> = new Set(["NOT_FOUND", "NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"]);

/** Whether the error says that the content, tag or repository is not there. */
export function isNotFound(error: unknown): error is RegistryError {
  return error instanceof RegistryError && notFoundCodes.has(error.code);
}
