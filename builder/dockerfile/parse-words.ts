import { invalidInstruction, requireArguments, requireOneArgument } from "./argument-count.ts";
import { trimBlanks } from "./blank.ts";
import { readFlags } from "./flags.ts";
import type {
  ExposeInstruction,
  MaintainerInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
  Word,
  WorkdirInstruction,
} from "./instructions.ts";
import { type Token, wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";

/** WORKDIR: the rest of the line, one path. */
export function parseWorkdir({ node }: ReadInstruction, base: InstructionBase): WorkdirInstruction {
  return { ...base, keyword: "WORKDIR", path: soleWord(node) };
}

/** USER: the rest of the line. */
export function parseUser({ node }: ReadInstruction, base: InstructionBase): UserInstruction {
  return { ...base, keyword: "USER", user: soleWord(node) };
}

/** MAINTAINER: the rest of the line. */
export function parseMaintainer({ node }: ReadInstruction, base: InstructionBase): MaintainerInstruction {
  return { ...base, keyword: "MAINTAINER", maintainer: soleWord(node) };
}

/** STOPSIGNAL: the rest of the line. Flags are cut off and never looked at, as in BuildKit. */
export function parseStopsignal({ node }: ReadInstruction, base: InstructionBase): StopsignalInstruction {
  return { ...base, keyword: "STOPSIGNAL", signal: wordOf(node.line, requireOneArgument(node)) };
}

/** EXPOSE: ports as written, sorted, as BuildKit does; they are split again after expansion. */
export function parseExpose({ node }: ReadInstruction, base: InstructionBase): ExposeInstruction {
  const tokens = requireArguments(node);
  readFlags(node);
  const sorted = [...tokens].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  return { ...base, keyword: "EXPOSE", ports: sorted.map((token) => wordOf(node.line, token)) };
}

/** VOLUME: words or a JSON array, none of them blank. */
export function parseVolume({ node }: ReadInstruction, base: InstructionBase): VolumeInstruction {
  const tokens = requireArguments(node);
  readFlags(node);
  return { ...base, keyword: "VOLUME", paths: tokens.map((token) => volumePath(node, token)) };
}

function volumePath(node: InstructionNode, token: Token): Word {
  const text = trimBlanks(token.text);
  if (text === "") throw invalidInstruction(node, "VOLUME specified can not be an empty string", token);
  return wordOf(node.line, { ...token, text });
}

function soleWord(node: InstructionNode): Word {
  const token = requireOneArgument(node);
  readFlags(node);
  return wordOf(node.line, token);
}
