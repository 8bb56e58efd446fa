import { BuildError } from "../errors.ts";
import { invalidInstruction } from "./argument-count.ts";
import { readFlags } from "./flags.ts";
import type { Heredoc, Instruction, OnbuildInstruction } from "./instructions.ts";
import type { InstructionNode } from "./node.ts";
import { type InstructionBase, type ReadInstruction, toInstruction } from "./parse-instruction.ts";

const FORBIDDEN = new Set(["FROM", "MAINTAINER"]);

/** ONBUILD: a trigger, which is any instruction but FROM, MAINTAINER and ONBUILD. */
export function parseOnbuild(read: ReadInstruction, base: InstructionBase): OnbuildInstruction {
  const { node, heredocs } = read;
  const { trigger } = node;
  if (trigger === undefined) throw invalidInstruction(node, "ONBUILD requires at least one argument");
  readFlags(node);
  checkTrigger(trigger);
  const instruction = triggerInstruction({ ...read, node: trigger });
  return {
    ...base,
    keyword: "ONBUILD",
    expression: expressionOf(node, heredocs),
    ...(instruction === undefined ? {} : { trigger: instruction }),
  };
}

function checkTrigger(trigger: InstructionNode): void {
  const { name, keyword } = trigger;
  if (name === "ONBUILD") {
    throw invalidInstruction(trigger, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", keyword);
  }
  if (FORBIDDEN.has(name)) {
    throw invalidInstruction(trigger, `${name} isn't allowed as an ONBUILD trigger`, keyword);
  }
}

/** A trigger that does not parse is still stored: it fails where it is triggered, as in BuildKit. */
function triggerInstruction(read: ReadInstruction): Instruction | undefined {
  try {
    return toInstruction(read);
  } catch (error) {
    if (error instanceof BuildError) return undefined;
    throw error;
  }
}

function expressionOf({ line, keyword }: InstructionNode, heredocs: readonly Heredoc[]): string {
  const text = line.text.slice(keyword.end).replace(/^[\t\n\f\r ]+/, "");
  return text + heredocs.map(({ content, name }) => `\n${content}${name}`).join("");
}
