import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type NativeFailure, RuntimeError } from "./errors.ts";

type Binding = typeof import("#binding");

let loaded: Binding | undefined;

/**
 * The addon, loaded at its first use: parsing, checks and registry work need no native code.
 * Throws SANDBOX_UNAVAILABLE where there is none for this platform.
 */
export function binding(): Binding {
  loaded ??= loadBinding();
  return loaded;
}

function loadBinding(): Binding {
  const require = createRequire(import.meta.url);
  try {
    return (loadBuiltHere(require) ?? require("#binding")) as Binding;
  } catch (cause) {
    throw new RuntimeError(
      {
        code: "SANDBOX_UNAVAILABLE",
        step: "load runtime-core",
        message: `no native addon for ${process.platform}-${process.arch}`,
      },
      { cause, hint: "build it with `npm run build:native` (needs cargo), or run on Linux x64 or arm64" },
    );
  }
}

/** Where the addon lies as seen from this file in the sources, from the bundled command and from what tsc writes. */
const PLACES = [".", "../runtime-core", "../../runtime-core"];

/** The addon beside this package. The generated loader, which knows all other places, takes four times as long as loading it. */
function loadBuiltHere(require: NodeJS.Require): unknown {
  if (process.platform !== "linux" || process.env["NAPI_RS_NATIVE_LIBRARY_PATH"] !== undefined) return;
  const name = `runtime-core.linux-${process.arch}-gnu.node`;
  const paths = PLACES.map((place) => fileURLToPath(new URL(`${place}/${name}`, import.meta.url)));
  const path = paths.find((path) => existsSync(path));
  try {
    return path === undefined ? undefined : require(path);
  } catch {
    // Not for this machine: the loader says so.
    return;
  }
}

/** Reads the failure that the addon wrote as JSON; anything else is a programmer's mistake and stays as it is. */
export function nativeFailure(error: unknown): NativeFailure | undefined {
  if (!(error instanceof Error) || !error.message.startsWith('{"code":')) return undefined;
  return JSON.parse(error.message) as NativeFailure;
}

/** Runs a native call and turns its failure into a RuntimeError. */
export async function callNative<T>(call: (native: Binding) => Promise<T>): Promise<T> {
  try {
    return await call(binding());
  } catch (error) {
    const failure = nativeFailure(error);
    if (failure === undefined) throw error;
    throw failure.code === "ABORTED" ? abortError(error) : new RuntimeError(failure, hintOf(failure));
  }
}

const EINVAL = 22;
const OWNER_STEPS = ["chown", "set owner"];

/** user_namespaces(7): chown(2) refuses an id that the namespace does not map. */
function hintOf({ step, errno }: NativeFailure): { readonly hint?: string } {
  if (errno !== EINVAL || !OWNER_STEPS.includes(step)) return {};
  return {
    hint: "this user has no subordinate id for that owner: give more in /etc/subuid and /etc/subgid, or build as root",
  };
}

/** The same as `callNative`, cancelled when `signal` fires. */
export async function callCancellable<T>(
  signal: AbortSignal | undefined,
  call: (native: Binding, cancel: InstanceType<Binding["CancelFlag"]>) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const cancel = new (binding().CancelFlag)();
  const onAbort = () => cancel.cancel();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await callNative((native) => call(native, cancel));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function abortError(cause: unknown): DOMException {
  return new DOMException("the operation was aborted", { name: "AbortError", cause } as never);
}
