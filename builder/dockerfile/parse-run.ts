import { parseCsvFields } from "./csv.ts";
import { type Flags, readFlags } from "./flags.ts";
import type { RunInstruction, Word } from "./instructions.ts";
import { commandOf } from "./parse-commands.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const NETWORKS = new Set(["default", "none", "host"]);
const SECURITIES = new Set(["sandbox", "insecure"]);

/** RUN: shell or exec form, heredocs, and the flags `--mount --network --security --device`. */
export function parseRun({ node, heredocs }: ReadInstruction, base: InstructionBase): RunInstruction {
  const flags = readFlags(node);
  const network = checkNetwork(flags);
  const security = checkSecurity(flags);
  return {
    ...base,
    keyword: "RUN",
    command: commandOf(node.arguments, node.json, heredocs),
    mounts: checkMounts(flags),
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

/** Only what may not have variables is read now; the rest when they are known. */
function checkMounts(flags: Flags): readonly Word[] {
  const mounts = flags.list("mount");
  for (const [index, mount] of mounts.entries()) {
    const from = mountFields(flags, mount, index).find((field) => /^from=.*\$./is.test(field));
    if (from !== undefined) throw variableInFrom(flags, from, index);
  }
  return mounts;
}

function variableInFrom(flags: Flags, from: string, index: number): Error {
  const message = "'from' doesn't support variable expansion, define alias stage instead";
  const option = from.slice(0, from.indexOf("="));
  const hint = "name the stage or image in a FROM … AS and use that name";
  return flags.invalid("mount", message, { index, part: { option }, hint });
}

function mountFields(flags: Flags, mount: Word, index: number): readonly string[] {
  try {
    return parseCsvFields(mount.text);
  } catch (error) {
    throw flags.invalid("mount", `failed to parse csv mounts: ${(error as Error).message}`, { index });
  }
}
