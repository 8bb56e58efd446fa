import { resolve } from "node:path";
import { Reference, RegistryError } from "../registry-client/index.ts";
import { parseRemoteAddress } from "./context-address.ts";
import { statIfThere } from "./directory.ts";
import type { NamedContext } from "./dispatch/index.ts";
import { redactAddresses } from "./dockerfile/index.ts";
import { BuildError } from "./errors.ts";
import { remoteContext } from "./fetched-context.ts";
import type { ImageResolver } from "./image-resolver.ts";
import { openLocalContext } from "./local-context.ts";

/** What opening named contexts takes of the build. */
export interface NamedContextTools {
  readonly images: ImageResolver;
  /** The store's directory: never part of a context. */
  readonly store: string;
}

const KINDS = "a directory, docker-image://REFERENCE, oci-layout://PATH[:tag], a git repository or a URL";

/** `--build-context` values by name. Throws INVALID_BUILD_CONTEXT, CONTEXT_NOT_FOUND. Nothing is fetched yet. */
export async function openNamedContexts(
  contexts: Readonly<Record<string, string>>,
  tools: NamedContextTools,
): Promise<Readonly<Record<string, NamedContext>>> {
  const opened = Object.entries(contexts).map(async ([name, value]) => {
    checkName(name);
    return [name, await openNamedContext(name, value, tools)] as const;
  });
  return Object.fromEntries(await Promise.all(opened));
}

/** A context is named as an image is, perhaps with `::os/arch` behind: in lower case. */
function checkName(name: string): void {
  try {
    Reference.parse(name.replace(/::.*$/, ""));
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw new BuildError("INVALID_BUILD_CONTEXT", `invalid context name ${name}: ${cause.message}`, {
      cause,
      hint: /[A-Z]/.test(name) ? `write it in lower case: ${name.toLowerCase()}` : cause.hint,
    });
  }
}

async function openNamedContext(name: string, value: string, tools: NamedContextTools): Promise<NamedContext> {
  const { images } = tools;
  const image = after(value, "docker-image://");
  if (image === "scratch") return { type: "scratch" };
  if (image !== undefined) return { type: "image", resolve: (options) => images.resolve(image, options) };
  const layout = after(value, "oci-layout://");
  if (layout !== undefined) return { type: "image", resolve: (options) => images.resolveLayout(layout, options) };
  const remote = parseRemoteAddress(value);
  if (remote !== undefined) {
    return { type: "fetched", ...remoteContext(remote, `[context ${name}] ${redactAddresses(value)}`) };
  }
  if (value === "") throw invalid(`the build context ${name} has no value`);
  if (/^[a-z][a-z0-9+.-]*:/i.test(value)) {
    const kind = value.slice(0, value.indexOf(":"));
    throw invalid(`unsupported context source ${kind} for ${name}`);
  }
  return await openDirectory(name, value, tools);
}

function invalid(message: string): BuildError {
  return new BuildError("INVALID_BUILD_CONTEXT", message, { hint: `use ${KINDS}` });
}

async function openDirectory(name: string, value: string, { store }: NamedContextTools): Promise<NamedContext> {
  const found = await statIfThere(resolve(value));
  if (found?.isDirectory() === true) return { type: "local", ...(await openLocalContext(value, store)) };
  const problem = found === undefined ? "does not exist" : "is not a directory";
  throw new BuildError("CONTEXT_NOT_FOUND", `the build context ${name} ${problem}: ${value}`, {
    hint: "an image needs docker-image:// before its name",
  });
}

function after(value: string, prefix: string): string | undefined {
  return value.startsWith(prefix) ? value.slice(prefix.length) : undefined;
}
