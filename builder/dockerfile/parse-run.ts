import { flagFields } from "./flag-fields.ts";
import type { FlagToken } from "./flag-words.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { FlagField, MountFlag, RunInstruction, Word } from "./instructions.ts";
import { wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { commandOf } from "./parse-commands.ts";
import { checkDevice } from "./parse-device.ts";
import { fieldError, instructionError } from "./parse-error.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const NETWORKS = new Set(["default", "none", "host"]);
const SECURITIES = new Set(["sandbox", "insecure"]);

/** RUN: shell or exec form, heredocs, and the flags `--mount --network --security --device`. */
export function parseRun({ node, heredocs }: ReadInstruction, base: InstructionBase): RunInstruction {
  const flags = readFlags(node);
  const network = checkNetwork(flags);
  const security = checkSecurity(flags);
  checkDevices(node);
  return {
    ...base,
    keyword: "RUN",
    command: commandOf(node.arguments, node.json, heredocs),
    mounts: mountFlags(node),
    devices: flags.list("device"),
    ...(network ? { network } : {}),
    ...(security ? { security } : {}),
  };
}

function checkNetwork(flags: Flags): Word | undefined {
  const network = flags.text("network");
  if (network === undefined || NETWORKS.has(network.text)) return network;
  const hint = "write default, none or host";
  throw flags.invalid("network", `invalid network mode ${quote(network.text)}`, { hint });
}

function checkSecurity(flags: Flags): Word | undefined {
  const security = flags.text("security");
  if (security === undefined || SECURITIES.has(security.text)) return security;
  const hint = "write sandbox or insecure";
  throw flags.invalid("security", `security ${quote(security.text)} is not valid`, { hint });
}

function mountFlags(node: InstructionNode): readonly MountFlag[] {
  return namedFlags(node, "mount").map((flag) => {
    const fields = fieldsOf(node, flag, "mounts");
    checkFrom(node, fields);
    const { text, end, valueStart } = flag;
    return { ...wordOf(node.line, { text: text.slice(text.indexOf("=") + 1), start: valueStart, end }), fields };
  });
}

/** Only what may not have variables is read now; the rest when they are known. */
function checkFrom({ line }: InstructionNode, fields: readonly FlagField[]): void {
  const from = fields.find(({ key, value }) => key === "from" && /\$./s.test(value?.text ?? ""));
  if (from === undefined) return;
  const message = "'from' doesn't support variable expansion, define alias stage instead";
  const hint = "name the stage or image in a FROM … AS and use that name";
  throw fieldError(line, message, from.range, hint);
}

function checkDevices(node: InstructionNode): void {
  for (const flag of namedFlags(node, "device")) {
    checkDevice(fieldsOf(node, flag, "devices"), (message, { range }, hint) => {
      throw fieldError(node.line, message, range, hint);
    });
  }
}

function namedFlags(node: InstructionNode, name: string): readonly FlagToken[] {
  return node.flags.filter((flag) => flag.text.startsWith(`--${name}=`));
}

function fieldsOf(node: InstructionNode, flag: FlagToken, what: string): readonly FlagField[] {
  try {
    return flagFields(node.line, flag);
  } catch (error) {
    const message = `failed to parse csv ${what}: ${(error as Error).message}`;
    const place = { start: flag.valueStart, end: flag.end };
    throw instructionError(node.line, "INVALID_FLAG", message, place);
  }
}
