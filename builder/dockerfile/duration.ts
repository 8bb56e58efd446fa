import { quote } from "./quote.ts";

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);
const MAX = 1n << 63n;
const PART = /^(\d*)(\.(\d*))?([^\d.]*)/;

/**
 * Nanoseconds of a duration such as `1m30s` or `1.5h`, as Go's time.ParseDuration reads it. Exact up to 2^53 ns (104
 * days). Throws Error with Go's message.
 */
export function parseDuration(text: string): number {
  const negative = text.startsWith("-");
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") throw invalid(text);
  let total = 0n;
  while (rest !== "") {
    const part = PART.exec(rest) ?? [""];
    total += parsePart(part, text);
    if (total > MAX || (total === MAX && !negative)) throw invalid(text);
    rest = rest.slice(part[0].length);
  }
  return Number(negative ? -total : total);
}

function parsePart(part: RegExpExecArray | readonly [string], whole: string): bigint {
  const [, integer = "", , fraction = "", unit = ""] = part;
  if (integer === "" && fraction === "") throw invalid(whole);
  if (unit === "") throw new Error(`time: missing unit in duration ${quote(whole)}`);
  const scale = UNITS.get(unit);
  if (scale === undefined) {
    throw new Error(`time: unknown unit ${quote(unit)} in duration ${quote(whole)}`);
  }
  // More digits than a nanosecond has places change nothing.
  const digits = fraction.slice(0, 18);
  return BigInt(integer || "0") * scale + (BigInt(digits || "0") * scale) / 10n ** BigInt(digits.length);
}

function invalid(text: string): Error {
  return new Error(`time: invalid duration ${quote(text)}`);
}
