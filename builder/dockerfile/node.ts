import { isSeparatorAt, skipBlanks, trimBlankEnd } from "./blank.ts";
import { extractFlags, type FlagToken } from "./flag-words.ts";
import { argumentParser } from "./line-parsers.ts";
import { type LogicalLine, type Token, tokenOf } from "./logical-line.ts";

/** What a line parser makes of the text after keyword and flags. */
export interface NodeArguments {
  readonly arguments: readonly Token[];
  /** The arguments are the strings of a JSON array. */
  readonly json: boolean;
  /** ENV and LABEL: `key value` without `=`. */
  readonly legacy: boolean;
  /** ONBUILD: the instruction to come. */
  readonly trigger?: InstructionNode;
}

/** An instruction as syntax: its words, not yet what they mean. The same cut as BuildKit's parser.Node. */
export interface InstructionNode extends NodeArguments {
  readonly line: LogicalLine;
  /** As written. */
  readonly keyword: Token;
  /** The keyword, upper-cased. */
  readonly name: string;
  readonly flags: readonly FlagToken[];
}

/** Parses `line.text` from `from`: all of it, or the trigger of `depth` ONBUILDs. Throws DOCKERFILE_PARSE_ERROR. */
export function parseNode(line: LogicalLine, from: number, depth = 0): InstructionNode {
  const { text } = line;
  const start = skipBlanks(text, from, text.length);
  const end = trimBlankEnd(text, start, text.length);
  let keywordEnd = start;
  while (keywordEnd < end && !isSeparatorAt(text, keywordEnd)) keywordEnd++;
  const keyword = tokenOf(text, start, keywordEnd);
  const { flags, rest } = extractFlags(text, keywordEnd, end);
  const argumentsStart = skipBlanks(text, rest, end);
  const name = keyword.text.toUpperCase();
  const context = { keyword: name, depth };
  const parsed = argumentParser(name)(line, argumentsStart, end, context);
  return { line, keyword, name, flags, ...parsed };
}
