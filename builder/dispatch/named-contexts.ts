import { formatPlatform, type Platform, Reference, RegistryError } from "../../registry-client/index.ts";
import type { DispatchOptions, NamedContext } from "./options.ts";

/**
 * The `--build-context` that stands for a stage or an image on a platform: by `name::os/arch`, then by `name`, both in the
 * familiar form without `:latest`. `scratch` and `context`, in any case, cannot be replaced.
 */
export function findNamedContext(
  { namedContexts }: Pick<DispatchOptions, "namedContexts">,
  name: string,
  platform: Platform,
): NamedContext | undefined {
  const familiar = familiarName(name);
  if (/^(?:scratch|context)$/i.test(familiar)) return undefined;
  const forPlatform = `${familiar}::${formatPlatform(platform)}`;
  return Object.hasOwn(namedContexts, forPlatform)
    ? namedContexts[forPlatform]
    : Object.entries(namedContexts).find(([other]) => familiarName(other) === familiar)?.[1];
}

function familiarName(name: string): string {
  try {
    return Reference.parse(name)
      .familiar()
      .replace(/:latest$/, "");
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return name;
  }
}
