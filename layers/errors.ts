import { RuntimeError } from "../runtime-core/index.ts";

export interface LayerErrorOptions {
  /** What to do about it, a sentence without a full stop. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** A failure of the store, its snapshots or its layers. `code` is stable: `NO_SPACE`, `DIGEST_MISMATCH`, `STORE_FORMAT`, … */
export class LayerError extends Error {
  override readonly name = "LayerError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: LayerErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** Runs `work` and turns what the native core or the filesystem says into a LayerError. Other errors stay as they are. */
export async function withLayerErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw layerError(error);
  }
}

/** `error` as a LayerError where it is a failure of the native core or of the filesystem, else `error` itself. */
export function layerError(error: unknown): unknown {
  if (error instanceof RuntimeError) {
    return new LayerError(error.code, error.message, { cause: error, hint: error.hint ?? HINTS[error.code] });
  }
  const code = fileErrorCode(error);
  if (code === undefined) return error;
  return new LayerError(code, (error as Error).message, { cause: error, hint: HINTS[code] });
}

/** errno(3) of a failed call of `node:fs`, by its name. */
export function errnoName(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error ? (error as NodeJS.ErrnoException).code : undefined;
}

function fileErrorCode(error: unknown): string | undefined {
  const errno = errnoName(error);
  return errno === undefined ? undefined : (CODES[errno] ?? "IO");
}

const CODES: Readonly<Record<string, string>> = {
  ENOSPC: "NO_SPACE",
  EDQUOT: "NO_SPACE",
  EACCES: "ACCESS_DENIED",
  EPERM: "ACCESS_DENIED",
  EROFS: "ACCESS_DENIED",
  ENOENT: "NOT_FOUND",
};

const HINTS: Readonly<Record<string, string>> = {
  NO_SPACE: "free some space on the filesystem of the store, or put the store elsewhere with TSBUILD_STORE",
  ACCESS_DENIED: "use a store that this user owns: set TSBUILD_STORE to a directory of yours",
  DIGEST_MISMATCH: "the blob was damaged or the image lies about its content: remove the blob and pull the image again",
};
