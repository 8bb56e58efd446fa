import { invalidInstruction, requireArguments } from "./argument-count.ts";
import { parseDuration } from "./duration.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { HealthcheckInstruction } from "./instructions.ts";
import { commandOf } from "./parse-commands.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const MIN_DURATION_NS = 1_000_000;
const MAX_INT32 = 2 ** 31 - 1;

type Settings = Pick<
  HealthcheckInstruction,
  "intervalNs" | "timeoutNs" | "startPeriodNs" | "startIntervalNs" | "retries"
>;

/** HEALTHCHECK: `NONE` or `CMD` with a command, and its intervals. */
export function parseHealthcheck({ node }: ReadInstruction, base: InstructionBase): HealthcheckInstruction {
  const [type, ...command] = requireArguments(node);
  const kind = type.text.toUpperCase();
  if (kind === "NONE") {
    if (command.length > 0) throw invalidInstruction(node, "HEALTHCHECK NONE takes no arguments", command[0]);
    return { ...base, keyword: "HEALTHCHECK" };
  }
  const flags = readFlags(node);
  if (kind !== "CMD") throw invalidInstruction(node, `Unknown type ${quote(kind)} in HEALTHCHECK (try CMD)`, type);
  if (command.length === 0) throw invalidInstruction(node, "Missing command after HEALTHCHECK CMD", type);
  return { ...base, keyword: "HEALTHCHECK", test: commandOf(command, node.json, []), ...readSettings(flags) };
}

function readSettings(flags: Flags): Settings {
  const intervalNs = durationFlag(flags, "interval");
  const timeoutNs = durationFlag(flags, "timeout");
  const startPeriodNs = durationFlag(flags, "start-period");
  const startIntervalNs = durationFlag(flags, "start-interval");
  const retries = retriesFlag(flags);
  return {
    ...(intervalNs === undefined ? {} : { intervalNs }),
    ...(timeoutNs === undefined ? {} : { timeoutNs }),
    ...(startPeriodNs === undefined ? {} : { startPeriodNs }),
    ...(startIntervalNs === undefined ? {} : { startIntervalNs }),
    ...(retries === undefined ? {} : { retries }),
  };
}

function durationFlag(flags: Flags, name: string): number | undefined {
  const word = flags.text(name);
  if (word === undefined) return undefined;
  const duration = parseOrThrow(flags, name, word.text);
  if (duration === 0 || duration >= MIN_DURATION_NS) return duration;
  throw flags.invalid(name, `Interval ${quote(name)} cannot be less than 1ms`);
}

function parseOrThrow(flags: Flags, name: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw flags.invalid(name, (error as Error).message, { hint: "write it as 30s, 1m30s or 500ms" });
  }
}

function retriesFlag(flags: Flags): number | undefined {
  const text = flags.text("retries")?.text;
  if (text === undefined) return undefined;
  const retries = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  const problem = retriesProblem(retries, text);
  if (problem !== undefined) throw flags.invalid("retries", problem);
  return retries;
}

function retriesProblem(retries: number, text: string): string | undefined {
  if (Number.isNaN(retries)) return `strconv.ParseInt: parsing ${quote(text)}: invalid syntax`;
  if (retries > MAX_INT32 || retries < -MAX_INT32 - 1)
    return `strconv.ParseInt: parsing ${quote(text)}: value out of range`;
  return retries < 0 ? `--retries cannot be negative (${retries})` : undefined;
}
