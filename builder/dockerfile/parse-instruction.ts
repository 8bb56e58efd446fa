import { suggest } from "../suggest.ts";
import type { Heredoc, Instruction } from "./instructions.ts";
import { KEYWORDS } from "./line-parsers.ts";
import { wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import { parseArg, parseEnv, parseLabel } from "./parse-assignments.ts";
import { parseCmd, parseEntrypoint, parseShell } from "./parse-commands.ts";
import { parseAdd, parseCopy } from "./parse-copy.ts";
import { instructionError } from "./parse-error.ts";
import { parseFrom } from "./parse-from.ts";
import { parseHealthcheck } from "./parse-healthcheck.ts";
import { parseOnbuild } from "./parse-onbuild.ts";
import { parseRun } from "./parse-run.ts";
import { parseExpose, parseMaintainer, parseStopsignal, parseUser, parseVolume, parseWorkdir } from "./parse-words.ts";
import type { Position } from "./source.ts";

/** An instruction as the reader found it: its words, its heredocs, and where the last of them ends. */
export interface ReadInstruction {
  readonly node: InstructionNode;
  readonly heredocs: readonly Heredoc[];
  readonly end: Position;
}

/** What every instruction has, whatever its keyword. */
export type InstructionBase = Omit<Extract<Instruction, { keyword: "USER" }>, "keyword" | "user">;

type InstructionParser = (read: ReadInstruction, base: InstructionBase) => Instruction;

const PARSERS: Readonly<Record<string, InstructionParser>> = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: parseCmd,
  COPY: parseCopy,
  ENTRYPOINT: parseEntrypoint,
  ENV: parseEnv,
  EXPOSE: parseExpose,
  FROM: parseFrom,
  HEALTHCHECK: parseHealthcheck,
  LABEL: parseLabel,
  MAINTAINER: parseMaintainer,
  ONBUILD: parseOnbuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: parseStopsignal,
  USER: parseUser,
  VOLUME: parseVolume,
  WORKDIR: parseWorkdir,
};

/**
 * Gives the words of an instruction their meaning. Throws UNKNOWN_INSTRUCTION, UNKNOWN_FLAG, DUPLICATE_FLAG,
 * INVALID_FLAG or INVALID_INSTRUCTION.
 */
export function toInstruction(read: ReadInstruction): Instruction {
  const parse = Object.hasOwn(PARSERS, read.node.name) ? PARSERS[read.node.name] : undefined;
  if (parse === undefined) throw unknownInstruction(read.node);
  return parse(read, baseOf(read));
}

function baseOf({ node, end }: ReadInstruction): InstructionBase {
  const { line, keyword } = node;
  const keywordWord = wordOf(line, keyword);
  return {
    range: { file: line.source.file, start: keywordWord.range.start, end },
    keywordWord,
    original: line.text.slice(keyword.start),
    comments: line.comments,
    hasEmptyContinuation: line.hasEmptyContinuation,
  };
}

function unknownInstruction({ line, keyword, name }: InstructionNode): Error {
  const meant = suggest(name, KEYWORDS);
  const isLower = keyword.text === keyword.text.toLowerCase();
  const hint = meant === undefined ? undefined : `did you mean ${isLower ? meant.toLowerCase() : meant}?`;
  const message = `unknown instruction: ${keyword.text}`;
  return instructionError(line, "UNKNOWN_INSTRUCTION", message, { ...keyword, part: "keyword" }, hint);
}
