import { BuildError } from "./errors.ts";

/** 1980-01-01: the first date that zip can hold, so that no tool inside an image trips over it. */
export const DEFAULT_EPOCH = 315532800;

/**
 * The one time of all that a build writes, in seconds since 1970: the first of `asked` that is there, else `DEFAULT_EPOCH`.
 * Reference: https://reproducible-builds.org/specs/source-date-epoch/. Throws INVALID_SOURCE_DATE_EPOCH.
 */
export function sourceDateEpoch(...asked: readonly (number | string | undefined)[]): number {
  const first = asked.find((value) => value !== undefined && value !== "");
  if (first === undefined) return DEFAULT_EPOCH;
  return checked(/^\d+$/.test(String(first)) ? Number(first) : Number.NaN, String(first));
}

/** 9999-12-31: the last second that RFC 3339 can write. */
const LAST_SECOND = 253402300799;

function checked(seconds: number, text: string): number {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= LAST_SECOND) return seconds;
  throw new BuildError("INVALID_SOURCE_DATE_EPOCH", `SOURCE_DATE_EPOCH is not a number of seconds: ${text}`, {
    hint: "use `date +%s` or `git log -1 --format=%ct`",
  });
}
