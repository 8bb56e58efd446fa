import { Reference, RegistryError } from "../registry-client/index.ts";
import { BuildError } from "./errors.ts";

/** Tags as full names, each once, in the order given. Throws INVALID_TAG. */
export function imageNames(tags: readonly string[]): readonly string[] {
  return [...new Set(tags.map(fullName))];
}

function fullName(tag: string): string {
  const reference = parseTag(tag);
  if (reference.digest === undefined) return reference.toString();
  throw new BuildError("INVALID_TAG", `a tag cannot carry a digest: ${tag}`, {
    hint: "the digest is what the build finds out: leave out @sha256:…",
  });
}

function parseTag(tag: string): Reference {
  try {
    return Reference.parse(tag);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    throw new BuildError("INVALID_TAG", `not an image name: ${tag}`, { cause, hint: cause.hint ?? cause.message });
  }
}
