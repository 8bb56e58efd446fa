import { parseCsvFields } from "../csv.ts";
import { UsageError } from "./usage-error.ts";

/**
 * `type=oci,dest=a.tar` as pairs; a field in double quotes may hold commas, and `""` is a quote in it (RFC 4180). A field
 * without `=` has no value. Keys are in lower case. Throws INVALID_VALUE.
 */
export function parsePairs(flag: string, text: string): readonly (readonly [key: string, value: string | undefined])[] {
  return splitFields(flag, text).map((field) => {
    const equals = field.indexOf("=");
    if (equals < 0) return [field.trim().toLowerCase(), undefined];
    return [field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1)];
  });
}

function splitFields(flag: string, text: string): readonly string[] {
  if (text === "") return [""];
  try {
    return parseCsvFields(text).map(({ value }) => value);
  } catch (error) {
    const problem = (error as Error).message;
    throw new UsageError("INVALID_VALUE", `invalid value ${JSON.stringify(text)} for --${flag}: ${problem}`);
  }
}
