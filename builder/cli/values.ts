import { parseByteSize } from "../byte-size.ts";
import { UsageError } from "./usage-error.ts";

/** `512m`, `1.5g`, `1048576`, `64KiB` as bytes. Throws INVALID_VALUE. */
export function parseBytes(flag: string, text: string): number {
  const bytes = parseByteSize(text);
  if (bytes !== undefined) return bytes;
  throw invalidValue(flag, text, "a number of bytes, or 512m, 2g");
}

/** A whole number above 0. Throws INVALID_VALUE. */
export function parseCount(flag: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count > 0 && Number.isSafeInteger(count)) return count;
  throw invalidValue(flag, text, "a whole number above 0");
}

/** One of a few words. Throws INVALID_VALUE. */
export function parseChoice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((other) => other === text);
  if (choice !== undefined) return choice;
  throw invalidValue(flag, text, `one of ${choices.join(", ")}`);
}

/** `NAME=VALUE` rows as a record, the last of a name wins. `bare` says what `NAME` alone is; undefined leaves it out. */
export function parseAssignments(
  flag: string,
  rows: readonly string[],
  bare: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  const entries = rows.flatMap((row) => {
    const equals = row.indexOf("=");
    const name = equals < 0 ? row : row.slice(0, equals);
    if (name === "") throw invalidValue(flag, row, "NAME=VALUE");
    const value = equals < 0 ? bare(name) : row.slice(equals + 1);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

export function invalidValue(flag: string, text: string, expected: string): UsageError {
  return new UsageError("INVALID_VALUE", `invalid value ${JSON.stringify(text)} for --${flag}`, `it is ${expected}`);
}
