import { invalidInstruction, requireArguments } from "./argument-count.ts";
import { parseCsvFields } from "./csv.ts";
import { readFlags } from "./flags.ts";
import type {
  CmdInstruction,
  CommandLine,
  EntrypointInstruction,
  Heredoc,
  RunInstruction,
  ShellInstruction,
  Word,
} from "./instructions.ts";
import type { Token } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { instructionError, type Place } from "./parse-error.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const NETWORKS = new Set(["default", "none", "host"]);
const SECURITIES = new Set(["sandbox", "insecure"]);

export function parseRun({ node, heredocs }: ReadInstruction, base: InstructionBase): RunInstruction {
  const flags = readFlags(node);
  const network = flags.text("network");
  const security = flags.text("security");
  const mounts = flags.list("mount");
  if (network && !NETWORKS.has(network.text))
    throw badFlag(node, "network", `invalid network mode ${quote(network.text)}`);
  if (security && !SECURITIES.has(security.text))
    throw badFlag(node, "security", `security ${quote(security.text)} is not valid`);
  for (const [index, mount] of mounts.entries()) checkMount(node, mount, index);
  const command = commandOf(node.arguments, node.json, heredocs);
  return {
    ...base,
    keyword: "RUN",
    command,
    mounts,
    devices: flags.list("device"),
    ...(network ? { network } : {}),
    ...(security ? { security } : {}),
  };
}

export function parseCmd({ node }: ReadInstruction, base: InstructionBase): CmdInstruction {
  readFlags(node);
  return { ...base, keyword: "CMD", command: commandOf(node.arguments, node.json, []) };
}

export function parseEntrypoint({ node }: ReadInstruction, base: InstructionBase): EntrypointInstruction {
  readFlags(node);
  return { ...base, keyword: "ENTRYPOINT", command: commandOf(node.arguments, node.json, []) };
}

export function parseShell({ node }: ReadInstruction, base: InstructionBase): ShellInstruction {
  readFlags(node);
  const tokens = requireArguments(node);
  if (node.json) return { ...base, keyword: "SHELL", argv: tokens.map((token) => token.text) };
  const hint = 'write SHELL ["executable", "parameter"]';
  throw invalidInstruction(node, "SHELL requires the arguments to be in JSON form", tokens[0], hint);
}

/** A command without arguments is an empty script. */
export function commandOf(tokens: readonly Token[], json: boolean, heredocs: readonly Heredoc[]): CommandLine {
  if (json) return { form: "exec", argv: tokens.map((token) => token.text) };
  return { form: "shell", script: tokens.map((token) => token.text).join(" "), heredocs };
}

/** The rest of a mount has variables, and is read when they are known. */
function checkMount(node: InstructionNode, mount: Word, index: number): void {
  const from = mountFields(node, mount, index).find((field) => /^from=/i.test(field));
  if (from === undefined || !/\$./.test(from)) return;
  const message = "'from' doesn't support variable expansion, define alias stage instead";
  throw badFlag(node, "mount", message, index, "name the stage or image in a FROM … AS and use that name");
}

function mountFields(node: InstructionNode, mount: Word, index: number): readonly string[] {
  try {
    return parseCsvFields(mount.text);
  } catch (error) {
    throw badFlag(node, "mount", `failed to parse csv mounts: ${(error as Error).message}`, index);
  }
}

function badFlag(node: InstructionNode, name: string, message: string, index = 0, hint?: string): Error {
  const flag = node.flags.filter(({ text }) => text.startsWith(`--${name}=`))[index];
  const place: Place | undefined = flag && { start: flag.start, end: flag.end, part: "flag-value" };
  return instructionError(node.line, "INVALID_FLAG", message, place, hint);
}
