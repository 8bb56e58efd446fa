import { invalidInstruction, requireArguments } from "./argument-count.ts";
import { readFlags } from "./flags.ts";
import type { CmdInstruction, CommandLine, EntrypointInstruction, Heredoc, ShellInstruction } from "./instructions.ts";
import type { Token } from "./logical-line.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";

/** CMD: shell or exec form. */
export function parseCmd({ node }: ReadInstruction, base: InstructionBase): CmdInstruction {
  readFlags(node);
  return { ...base, keyword: "CMD", command: commandOf(node.arguments, node.json, []) };
}

/** ENTRYPOINT: shell or exec form. */
export function parseEntrypoint({ node }: ReadInstruction, base: InstructionBase): EntrypointInstruction {
  readFlags(node);
  return { ...base, keyword: "ENTRYPOINT", command: commandOf(node.arguments, node.json, []) };
}

/** SHELL: exec form only. */
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
