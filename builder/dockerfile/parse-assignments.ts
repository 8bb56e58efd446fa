import { invalidInstruction, requireArguments } from "./argument-count.ts";
import { readFlags } from "./flags.ts";
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction, Word } from "./instructions.ts";
import { type Token, wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";
import { splitPair } from "./words.ts";

/** ENV: `key=value` pairs, or the old `key value`. */
export function parseEnv({ node }: ReadInstruction, base: InstructionBase): EnvInstruction {
  return { ...base, keyword: "ENV", pairs: readPairs(node), legacy: node.legacy };
}

/** LABEL: as ENV. */
export function parseLabel({ node }: ReadInstruction, base: InstructionBase): LabelInstruction {
  return { ...base, keyword: "LABEL", pairs: readPairs(node), legacy: node.legacy };
}

/** ARG: names, some with a default. Flags are cut off and never looked at, as in BuildKit. */
export function parseArg({ node }: ReadInstruction, base: InstructionBase): ArgInstruction {
  return { ...base, keyword: "ARG", args: requireArguments(node).map((token) => argOf(node, token)) };
}

function argOf(node: InstructionNode, token: Token): { key: Word; value?: Word } {
  const pair = splitPair(token);
  if (pair === undefined) return { key: wordOf(node.line, token) };
  return { key: nameOf(node, pair.key), value: wordOf(node.line, pair.value) };
}

function readPairs(node: InstructionNode): readonly KeyValue[] {
  readFlags(node);
  const tokens = requireArguments(node);
  const pairs: KeyValue[] = [];
  for (let index = 0; index + 1 < tokens.length; index += 2) {
    const [key, value] = tokens.slice(index, index + 2) as [Token, Token];
    pairs.push({ key: nameOf(node, key), value: wordOf(node.line, value) });
  }
  return pairs;
}

function nameOf(node: InstructionNode, key: Token): Word {
  if (key.text !== "") return wordOf(node.line, key);
  throw invalidInstruction(node, `${node.name} names can not be blank`, { ...key, end: key.end + 1 });
}
