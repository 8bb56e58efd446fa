import type { UsageRecord } from "../layers/index.ts";
import { parseBoolean } from "./boolean.ts";
import { parseDuration } from "./duration.ts";
import { BuildError } from "./errors.ts";
import { suggest } from "./suggest.ts";

/** Whether a record is meant. `nowMs`: milliseconds since 1970. */
export type UsageFilter = (record: UsageRecord, nowMs: number) => boolean;

const TEXTS: Readonly<Record<string, (record: UsageRecord) => readonly string[]>> = {
  id: ({ id }) => [id],
  parent: ({ parents }) => parents,
  parents: ({ parents }) => parents,
  type: ({ type }) => [type],
  description: ({ description }) => [description],
  name: ({ names = [] }) => names,
};

const CLAIMS: Readonly<Record<string, (record: UsageRecord) => boolean>> = {
  inuse: ({ inUse }) => inUse,
  mutable: ({ mutable }) => mutable,
  immutable: ({ mutable }) => !mutable,
  shared: ({ shared }) => shared,
  private: ({ shared }) => !shared,
  reclaimable: ({ reclaimable }) => reclaimable,
};

const AGES = ["until", "unused-for"];
const FIELDS = [...Object.keys(TEXTS), ...Object.keys(CLAIMS), ...AGES];

/**
 * docker's and BuildKit's filters, all of which must hold: `type=regular`, `type!=image`, `description~=npm`, `id=REGEX`, `inuse`,
 * `shared=false`, `until=24h` for what was not used since then. Throws BuildError INVALID_FILTER.
 */
export function parseUsageFilters(texts: readonly string[]): UsageFilter {
  const parsed = texts.map(parseFilter);
  for (const { field, text } of parsed) {
    if (parsed.filter((other) => other.field === field).length < 2) continue;
    throw invalid(
      text,
      "filters expect only one value",
      `give ${field} once; FIELD~=REGEX says several things at once`,
    );
  }
  return (record, nowMs) => parsed.every(({ matches }) => matches(record, nowMs));
}

interface Filter {
  readonly text: string;
  readonly field: string;
  readonly matches: UsageFilter;
}

function parseFilter(text: string): Filter {
  const [, name = "", operator = "", value = ""] = /^([^=!~]*)(!=|~=|==|=)?(.*)$/s.exec(text) ?? [];
  const field = name.trim().toLowerCase();
  const claim = CLAIMS[field];
  if (claim !== undefined) return { text, field, matches: claimFilter(claim, operator, value, text) };
  if (AGES.includes(field)) return { text, field: "until", matches: ageFilter(operator, value, text) };
  const read = TEXTS[field];
  if (read !== undefined) return { text, field, matches: textFilter(read, field === "id", operator, value, text) };
  const near = suggest(field, FIELDS);
  throw invalid(
    text,
    `unknown field ${JSON.stringify(field)}`,
    near ? `did you mean ${near}?` : `fields: ${FIELDS.join(", ")}`,
  );
}

function claimFilter(
  claim: (record: UsageRecord) => boolean,
  operator: string,
  value: string,
  text: string,
): UsageFilter {
  const wanted = operator === "" ? true : parseBoolean(value);
  if (wanted === undefined || operator === "~=") throw invalid(text, "it is true or false");
  return (record) => claim(record) === (operator === "!=" ? !wanted : wanted);
}

/** A duration back from now, or a moment. */
function ageFilter(operator: string, value: string, text: string): UsageFilter {
  const ageMs = parseDuration(value);
  const moment = ageMs === undefined ? parseMoment(value) : undefined;
  if (operator !== "=" || (ageMs === undefined && moment === undefined)) {
    throw invalid(text, "not a duration and not a time", "until=24h, until=1h30m, until=2026-01-31T12:00:00Z");
  }
  return ({ lastUsedAt }, nowMs) => Date.parse(lastUsedAt) <= (moment ?? nowMs - (ageMs ?? 0));
}

/** Seconds since 1970, or RFC 3339, a day too. */
function parseMoment(text: string): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? undefined : moment;
}

/** buildx takes the value of `id` for a regular expression. */
function textFilter(
  read: (record: UsageRecord) => readonly string[],
  isPattern: boolean,
  operator: string,
  value: string,
  text: string,
): UsageFilter {
  if (operator === "") return (record) => read(record).some((one) => one !== "");
  const pattern = operator === "~=" || (operator === "=" && isPattern) ? toPattern(value, text) : undefined;
  const matches = (one: string): boolean => (pattern === undefined ? one === value : pattern.test(one));
  return operator === "!=" ? (record) => !read(record).some(matches) : (record) => read(record).some(matches);
}

function toPattern(value: string, text: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw invalid(text, (error as Error).message);
  }
}

function invalid(text: string, why: string, hint?: string): BuildError {
  return new BuildError("INVALID_FILTER", `invalid filter ${JSON.stringify(text)}: ${why}`, { hint });
}
