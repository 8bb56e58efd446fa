import { CAPABILITIES, type Capability } from "../../runtime-core/index.ts";
import { UsageError } from "./usage-error.ts";

/**
 * What `--cap-drop` and `--cap-add` leave out of docker's default set; what is added counts over what is dropped.
 * Throws UNSUPPORTED_FLAG for a capability that the set does not have.
 */
export function droppedCapabilities(drop: readonly string[], add: readonly string[]): readonly Capability[] {
  const added = new Set(add.map((name) => capability("cap-add", name)));
  const isAll = drop.some((name) => name.toUpperCase() === "ALL");
  const dropped = new Set(drop.filter((name) => name.toUpperCase() !== "ALL").map(plainName));
  return CAPABILITIES.filter((name) => (isAll || dropped.has(name)) && !added.has(name));
}

function capability(flag: string, text: string): Capability {
  const found = CAPABILITIES.find((name) => name === plainName(text));
  if (found !== undefined) return found;
  throw new UsageError(
    "UNSUPPORTED_FLAG",
    `--${flag} ${text} is not supported: it would reach out of the sandbox`,
    `docker's default set can be kept: ${CAPABILITIES.join(", ")}`,
  );
}

function plainName(text: string): string {
  return text.toUpperCase().replace(/^CAP_/, "");
}
