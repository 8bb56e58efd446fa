import { type CgroupLimits, MAX_TIMEOUT_MS, MIN_MEMORY_BYTES, type SandboxLimits } from "../../runtime-core/index.ts";
import { formatByteSize } from "../byte-size.ts";
import { parseDuration } from "../duration.ts";
import { buildLimitKey, LIMIT_FLAGS } from "../limit-flags.ts";
import { suggest } from "../suggest.ts";
import { parsePairs } from "./csv.ts";
import type { ParsedFlags } from "./flags.ts";
import { parseUlimit } from "./parse-ulimit.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue, parseBytes } from "./values.ts";

/** A flag's value as a limit; undefined where it says that there is none. Throws INVALID_VALUE. */
type ParseLimit = (flag: string, text: string) => number | string | undefined;

const CGROUP_LIMITS: Readonly<Record<keyof CgroupLimits, ParseLimit>> = {
  memoryBytes: memory,
  memorySwapBytes: (flag, text) => (text === "-1" ? -1 : bytes(flag, text)),
  pids: (flag, text) => (text === "-1" ? undefined : whole(flag, text, 1, 2 ** 32 - 1)),
  cpus: processors,
  cpuQuotaUs: (flag, text) => (text === "-1" ? undefined : whole(flag, text, 1000, 1e12)),
  cpuPeriodUs: (flag, text) => whole(flag, text, 1000, 1_000_000),
  cpuShares: (flag, text) => whole(flag, text, 2, 262_144),
  cpusetCpus: idList,
  cpusetMems: idList,
  ioReadBps: bytes,
  ioWriteBps: bytes,
  ioReadIops: (flag, text) => whole(flag, text, 1, 2 ** 32 - 1),
  ioWriteIops: (flag, text) => whole(flag, text, 1, 2 ** 32 - 1),
};

const STEP_LIMITS: Readonly<Record<Exclude<keyof SandboxLimits, "ulimits">, ParseLimit>> = {
  ...CGROUP_LIMITS,
  shmSizeBytes: bytes,
  diskQuotaBytes: bytes,
  timeoutMs: duration,
  netBps: bytes,
};

/**
 * What a step may use, of the flags of `LIMIT_FLAG_TABLE`. As in docker, 0 is no limit. Throws UsageError: INVALID_VALUE for
 * what is none of its flag, CONFLICTING_FLAGS for two that contradict each other.
 */
export function limitsOf(flags: ParsedFlags): SandboxLimits {
  const entries = Object.entries(STEP_LIMITS).flatMap(([limit, parse]) => {
    const flag = LIMIT_FLAGS[limit as keyof SandboxLimits].slice(2);
    const text = flags.text(flag);
    return text === undefined ? [] : [[limit, parse(flag, text)] as const];
  });
  const ulimits = new Map(flags.list("ulimit").map((text) => [text.split("=", 1)[0], parseUlimit(text)]));
  const limits: SandboxLimits = {
    ...present(entries),
    ...(ulimits.size === 0 ? {} : { ulimits: [...ulimits.values()] }),
  };
  checkTogether(limits, (limit) => LIMIT_FLAGS[limit]);
  return limits;
}

/** `--build-limit memory=8g,cpus=2`: the names are those of the flags, and `pids`. Throws as `limitsOf`. */
export function buildLimitsOf(given: readonly string[]): CgroupLimits {
  const entries = given.flatMap((text) => parsePairs("build-limit", text).map((pair) => buildLimit(text, ...pair)));
  const limits: CgroupLimits = present(entries);
  checkTogether(limits, (limit) => `--build-limit ${buildLimitKey(limit)}`);
  return limits;
}

const BUILD_KEYS = new Map(
  Object.keys(CGROUP_LIMITS).map((limit) => [buildLimitKey(limit as keyof CgroupLimits), limit as keyof CgroupLimits]),
);

function buildLimit(text: string, key: string, value: string | undefined) {
  const limit = BUILD_KEYS.get(key === "pids-limit" ? "pids" : key);
  if (limit === undefined) {
    throw new UsageError(
      "INVALID_VALUE",
      `unknown limit ${JSON.stringify(key)} in --build-limit ${text}`,
      unknownLimitHint(key),
    );
  }
  if (value === undefined) throw invalidValue("build-limit", text, "NAME=VALUE, separated by commas");
  return [limit, CGROUP_LIMITS[limit](`build-limit ${key}`, value)] as const;
}

function unknownLimitHint(key: string): string {
  if (/^\d+(?:-\d+)?$/.test(key)) return `a list of ids goes in quotes: --build-limit '"cpuset-cpus=0,${key}"'`;
  const near = suggest(key, BUILD_KEYS.keys());
  return near === undefined ? `it limits ${[...BUILD_KEYS.keys()].join(", ")}` : `did you mean ${near}?`;
}

function present(entries: readonly (readonly [string, number | string | undefined])[]): Partial<SandboxLimits> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Docker's rules for limits that belong together. */
function checkTogether(limits: CgroupLimits, nameOf: (limit: keyof CgroupLimits) => string): void {
  const { memoryBytes: memory, memorySwapBytes: swap, cpus, cpuQuotaUs, cpuPeriodUs } = limits;
  if (swap !== undefined && swap !== -1 && (memory === undefined || swap < memory)) {
    const problem = memory === undefined ? "needs" : "must not be less than";
    throw new UsageError(
      "CONFLICTING_FLAGS",
      `${nameOf("memorySwapBytes")} ${problem} ${nameOf("memoryBytes")}`,
      "it is the limit of memory and swap together; -1 for all swap there is",
    );
  }
  if (cpus !== undefined && (cpuQuotaUs !== undefined || cpuPeriodUs !== undefined)) {
    const other = nameOf(cpuQuotaUs === undefined ? "cpuPeriodUs" : "cpuQuotaUs");
    const hint = "two cores are --cpus 2, or a --cpu-quota of twice the --cpu-period";
    throw new UsageError("CONFLICTING_FLAGS", `${nameOf("cpus")} and ${other} cannot be combined`, hint);
  }
}

function bytes(flag: string, text: string): number | undefined {
  const size = parseBytes(flag, text);
  return size === 0 ? undefined : size;
}

/** Docker's minimum: with less not even a shell starts. */
function memory(flag: string, text: string): number | undefined {
  const size = bytes(flag, text);
  if (size === undefined || size >= MIN_MEMORY_BYTES) return size;
  throw invalidValue(flag, text, `at least ${formatByteSize(MIN_MEMORY_BYTES)}, as in docker`);
}

function whole(flag: string, text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number === 0) return undefined;
  if (number >= least && number <= most) return number;
  throw invalidValue(flag, text, `a whole number from ${least} to ${most}`);
}

/** A hundredth of a core is the least that the kernel's quotas express. */
function processors(flag: string, text: string): number | undefined {
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (number === 0) return undefined;
  if (number >= 0.01 && number <= 100_000) return number;
  throw invalidValue(flag, text, "a number of processors from 0.01, such as 1.5");
}

/** cpuset(7), "FORMATS". */
function idList(flag: string, text: string): string | undefined {
  if (text === "") return undefined;
  const isList = text.split(",").every((part) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    return first !== undefined && Number(first) <= Number(last) && Number(last) <= 65_535;
  });
  if (isList) return text;
  throw invalidValue(flag, text, "a list of ids and ranges, such as 0-2,4");
}

/** A bare number is seconds, as for podman's `--timeout`. */
function duration(flag: string, text: string): number | undefined {
  if (/^0(?:ms|s|m|h)?$/.test(text)) return undefined;
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms !== undefined && ms <= MAX_TIMEOUT_MS) return ms;
  throw invalidValue(flag, text, "a duration of at most 24 days, such as 30s, 5m or 1h30m");
}
