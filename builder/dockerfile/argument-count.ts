import type { Token } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { instructionError } from "./parse-error.ts";

/** INVALID_INSTRUCTION at a place of the instruction, by default its keyword. */
export function invalidInstruction(node: InstructionNode, message: string, at?: Token, hint?: string): Error {
  const place = at === undefined ? { ...node.keyword, part: "keyword" as const } : { ...at, part: "argument" as const };
  return instructionError(node.line, "INVALID_INSTRUCTION", message, place, hint);
}

/** Throws INVALID_INSTRUCTION when there is no argument. */
export function requireArguments(node: InstructionNode): readonly [Token, ...Token[]] {
  const [first, ...others] = node.arguments;
  if (first === undefined) throw invalidInstruction(node, `${node.name} requires at least one argument`);
  return [first, ...others];
}

/** Throws INVALID_INSTRUCTION unless there is exactly one argument. */
export function requireOneArgument(node: InstructionNode): Token {
  const [only, ...others] = node.arguments;
  if (only === undefined || others.length > 0) {
    throw invalidInstruction(node, `${node.name} requires exactly one argument`);
  }
  return only;
}
