import { parseDuration } from "../duration.ts";
import { BuildError } from "../errors.ts";
import type { DiskUsageOptions, PruneOptions } from "../housekeeping-options.ts";
import { parseUsageFilters } from "../usage-filter.ts";
import type { ParsedFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";
import { invalidValue, parseBytes, parseChoice } from "./values.ts";

/** How `du` and `prune` say what they found. */
export interface StoreOutput {
  readonly format: "pretty" | "json";
  readonly isVerbose: boolean;
}

export interface DuRequest {
  readonly options: DiskUsageOptions;
  readonly output: StoreOutput;
}

export interface PruneRequest {
  readonly options: PruneOptions;
  readonly output: StoreOutput;
  /** Without a question. */
  readonly isForced: boolean;
}

/** The command line of `tsbuild du`. Throws UsageError INVALID_VALUE, INVALID_FILTER, TOO_MANY_ARGUMENTS. */
export function duRequest(flags: ParsedFlags): DuRequest {
  const [stray] = flags.positionals;
  if (stray !== undefined) throw new UsageError("TOO_MANY_ARGUMENTS", `takes no argument: ${stray}`);
  const store = flags.text("store");
  const filters = checkedFilters(flags.list("filter"));
  const format = parseChoice("format", flags.text("format") ?? "pretty", ["pretty", "json"]);
  return {
    options: { filters, ...(store === undefined ? {} : { store }) },
    output: { format, isVerbose: flags.isSet("verbose") },
  };
}

/** The command line of `tsbuild prune`. Throws as `duRequest` does. */
export function pruneRequest(flags: ParsedFlags): PruneRequest {
  const { options, output } = duRequest(flags);
  const reservedBytes = bytesOf(flags, "reserved-space") ?? bytesOf(flags, "keep-storage");
  const maxUsedBytes = bytesOf(flags, "max-used-space");
  const minFreeBytes = bytesOf(flags, "min-free-space");
  return {
    options: {
      ...options,
      all: flags.isSet("all"),
      dryRun: flags.isSet("dry-run"),
      keepDurationMs: keepDuration(flags.text("keep-duration")),
      ...(reservedBytes === undefined ? {} : { reservedBytes }),
      ...(maxUsedBytes === undefined ? {} : { maxUsedBytes }),
      ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
    },
    output,
    isForced: flags.isSet("force"),
  };
}

function bytesOf(flags: ParsedFlags, name: string): number | undefined {
  const text = flags.text(name);
  return text === undefined ? undefined : parseBytes(name, text);
}

function keepDuration(text: string | undefined): number {
  if (text === undefined || /^0(?:ms|s|m|h)?$/.test(text)) return 0;
  const ms = parseDuration(text);
  if (ms === undefined) throw invalidValue("keep-duration", text, "a duration: 24h, 1h30m, 90s");
  return ms;
}

function checkedFilters(texts: readonly string[]): readonly string[] {
  try {
    parseUsageFilters(texts);
    return texts;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new UsageError(error.code, error.message, error.hint);
  }
}
