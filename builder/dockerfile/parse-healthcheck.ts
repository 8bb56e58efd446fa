import { invalidInstruction, requireArguments } from "./argument-count.ts";
import { parseDuration } from "./duration.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { HealthcheckInstruction } from "./instructions.ts";
import type { InstructionNode } from "./node.ts";
import { commandOf } from "./parse-commands.ts";
import { instructionError } from "./parse-error.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const MIN_DURATION_NS = 1_000_000;
const MAX_INT32 = 2 ** 31 - 1;

type Settings = Pick<
  HealthcheckInstruction,
  "intervalNs" | "timeoutNs" | "startPeriodNs" | "startIntervalNs" | "retries"
>;

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
  return { ...base, keyword: "HEALTHCHECK", test: commandOf(command, node.json, []), ...readSettings(node, flags) };
}

function readSettings(node: InstructionNode, flags: Flags): Settings {
  const intervalNs = durationFlag(node, flags, "interval");
  const timeoutNs = durationFlag(node, flags, "timeout");
  const startPeriodNs = durationFlag(node, flags, "start-period");
  const startIntervalNs = durationFlag(node, flags, "start-interval");
  const retries = retriesFlag(node, flags);
  return {
    ...(intervalNs === undefined ? {} : { intervalNs }),
    ...(timeoutNs === undefined ? {} : { timeoutNs }),
    ...(startPeriodNs === undefined ? {} : { startPeriodNs }),
    ...(startIntervalNs === undefined ? {} : { startIntervalNs }),
    ...(retries === undefined ? {} : { retries }),
  };
}

function durationFlag(node: InstructionNode, flags: Flags, name: string): number | undefined {
  const word = flags.text(name);
  if (word === undefined) return undefined;
  const duration = parseOrThrow(node, name, word.text);
  if (duration === 0 || duration >= MIN_DURATION_NS) return duration;
  throw badFlag(node, name, `Interval ${quote(name)} cannot be less than 1ms`);
}

function parseOrThrow(node: InstructionNode, name: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw badFlag(node, name, (error as Error).message, "write it as 30s, 1m30s or 500ms");
  }
}

function retriesFlag(node: InstructionNode, flags: Flags): number | undefined {
  const text = flags.text("retries")?.text;
  if (text === undefined) return undefined;
  if (!/^[+-]?\d+$/.test(text)) {
    throw badFlag(node, "retries", `strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  }
  const retries = Number(text);
  if (retries > MAX_INT32 || retries < -MAX_INT32 - 1) {
    throw badFlag(node, "retries", `strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  }
  if (retries < 0) throw badFlag(node, "retries", `--retries cannot be negative (${retries})`);
  return retries;
}

function badFlag(node: InstructionNode, name: string, message: string, hint?: string): Error {
  const flag = node.flags.find(({ text }) => text.startsWith(`--${name}=`)) ?? node.keyword;
  return instructionError(
    node.line,
    "INVALID_FLAG",
    message,
    { start: flag.start, end: flag.end, part: "flag-value" },
    hint,
  );
}
