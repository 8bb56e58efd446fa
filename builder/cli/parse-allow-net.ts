import { ALLOWED_END_FORM, parseAllowedEnd } from "../network-rule.ts";
import { UsageError } from "./usage-error.ts";

/** `--allow-net HOST[:PORT],…`, given any number of times. Throws INVALID_VALUE for what is no end. */
export function parseAllowNet(given: readonly string[]): readonly string[] {
  const ends = given.flatMap((value) => value.split(",")).map((end) => end.trim());
  for (const text of ends) {
    const end = parseAllowedEnd(text);
    if (!("problem" in end)) continue;
    throw new UsageError(
      "INVALID_VALUE",
      `invalid value ${JSON.stringify(text)} for --allow-net: ${end.problem}`,
      `it is ${ALLOWED_END_FORM}`,
    );
  }
  return ends;
}
