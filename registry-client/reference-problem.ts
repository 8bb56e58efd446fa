import { splitRegistry } from "./reference.ts";

/**
 * What docker says of a name that `Reference.parse` refuses: people search for these words.
 * Reference: github.com/distribution/reference, ParseNormalizedNamed in normalize.go.
 */
export function referenceProblem(text: string): string {
  if (/^[a-f0-9]{64}$/.test(text)) {
    return `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`;
  }
  const [repository = ""] = splitRegistry(text).repository.split(":", 1);
  const isLower = repository === repository.toLowerCase();
  return `invalid reference format${isLower ? "" : `: repository name (${repository}) must be lowercase`}`;
}
