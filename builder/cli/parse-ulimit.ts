import { ULIMIT_NAMES, type Ulimit } from "../../runtime-core/index.ts";
import { suggest } from "../suggest.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue } from "./values.ts";

/**
 * docker's `--ulimit NAME=SOFT[:HARD]`: one value is both; -1 and `unlimited` are none. Throws INVALID_VALUE for a name that
 * is none, a value that is no number, and a soft limit above the hard one.
 */
export function parseUlimit(text: string): Ulimit {
  const [, given = "", softText = "", hardText] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const name = ULIMIT_NAMES.find((known) => known === given);
  if (name === undefined && given !== "") throw unknownName(given);
  const soft = limitValue(softText);
  const hard = hardText === undefined ? soft : limitValue(hardText);
  if (name === undefined || soft === undefined || hard === undefined) {
    throw invalidValue("ulimit", text, "NAME=SOFT[:HARD] in whole numbers, -1 for no limit");
  }
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw invalidValue("ulimit", text, "a soft limit that is not above the hard one");
  }
  return { name, soft, hard };
}

function limitValue(text: string): number | undefined {
  if (text === "-1" || text === "unlimited") return -1;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

function unknownName(name: string): UsageError {
  const near = suggest(name, ULIMIT_NAMES);
  const hint = near === undefined ? `the names are ${ULIMIT_NAMES.join(", ")}` : `did you mean ${near}?`;
  return new UsageError("INVALID_VALUE", `--ulimit has no limit named ${JSON.stringify(name)}`, hint);
}
