import { invalidInstruction } from "./argument-count.ts";
import { readFlags } from "./flags.ts";
import type { FromInstruction } from "./instructions.ts";
import { type Token, wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { instructionError } from "./parse-error.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { quote } from "./quote.ts";

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/** FROM: `IMAGE` or `IMAGE AS NAME`. Throws INVALID_STAGE_NAME. */
export function parseFrom({ node }: ReadInstruction, base: InstructionBase): FromInstruction {
  const { image, stage } = readArguments(node);
  const platform = readFlags(node).text("platform");
  return {
    ...base,
    keyword: "FROM",
    base: wordOf(node.line, image),
    ...(stage ? { stageName: stage.text.toLowerCase(), stageNameWord: wordOf(node.line, stage) } : {}),
    ...(platform ? { platform } : {}),
  };
}

function readArguments(node: InstructionNode): { image: Token; stage?: Token } {
  const [image, as, stage] = node.arguments;
  if (image !== undefined && node.arguments.length === 1) return { image };
  if (image === undefined || stage === undefined || node.arguments.length > 3 || as?.text.toLowerCase() !== "as") {
    const surplus = node.arguments[as?.text.toLowerCase() === "as" && stage !== undefined ? 3 : 1];
    throw invalidInstruction(
      node,
      "FROM requires either one or three arguments",
      surplus,
      "write FROM IMAGE or FROM IMAGE AS NAME",
    );
  }
  if (!STAGE_NAME.test(stage.text.toLowerCase())) throw invalidStageName(node, stage);
  return { image, stage };
}

function invalidStageName(node: InstructionNode, stage: Token): Error {
  const message = `invalid name for build stage: ${quote(stage.text)}, name can't start with a number or contain symbols`;
  return instructionError(node.line, "INVALID_STAGE_NAME", message, { ...stage, part: "argument" });
}
