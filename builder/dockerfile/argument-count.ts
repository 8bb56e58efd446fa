import type { Token } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { instructionError, type Place } from "./parse-error.ts";

/** INVALID_INSTRUCTION at a place of the instruction, by default its keyword. */
export function invalidInstruction(node: InstructionNode, message: string, at?: Token, hint?: string): Error {
  return instructionError(node.line, "INVALID_INSTRUCTION", message, placeOf(node, at), hint);
}

function placeOf(node: InstructionNode, at: Token | undefined): Place {
  if (at === undefined) return { ...node.keyword, part: "keyword" };
  // dockerfile-ast cuts JSON strings at their blanks.
  return node.json ? at : { ...at, part: "argument" };
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
