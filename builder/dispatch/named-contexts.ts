import { formatPlatform, Reference, RegistryError } from "../../registry-client/index.ts";
import type { DispatchOptions, NamedContext } from "./options.ts";

/**
 * The `--build-context` that stands for a stage or an image: by `name::os/arch`, then by `name`, both in the familiar form
 * without `:latest`. `scratch` and `context` cannot be replaced.
 */
export function findNamedContext(options: DispatchOptions, name: string): NamedContext | undefined {
  const familiar = familiarName(name);
  if (familiar === "scratch" || familiar === "context") return undefined;
  const forPlatform = `${familiar}::${formatPlatform(options.targetPlatform)}`;
  const contexts = options.namedContexts;
  return Object.hasOwn(contexts, forPlatform)
    ? contexts[forPlatform]
    : Object.entries(contexts).find(([other]) => familiarName(other) === familiar)?.[1];
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
