import { isBlankAt, skipBlanks } from "./blank.ts";
import { parseJsonForm } from "./json-form.ts";
import { type LogicalLine, type Token, tokenOf } from "./logical-line.ts";
import { type NodeArguments, parseNode } from "./node.ts";
import { syntaxError } from "./parse-error.ts";
import { quote } from "./quote.ts";
import { splitArguments, splitOnce, splitPair, splitWords } from "./words.ts";

const MAX_DEPTH = 64;

interface NodeContext {
  /** Upper-cased. */
  readonly keyword: string;
  /** How many ONBUILDs it is the trigger of. */
  readonly depth: number;
}

/** Cuts `line.text[start, end)`, which has no blanks at its ends, into an instruction's arguments. */
export type ArgumentParser = (line: LogicalLine, start: number, end: number, context: NodeContext) => NodeArguments;

/** How the arguments of `keyword`, upper-cased, are cut. An unknown instruction keeps none. */
export function argumentParser(keyword: string): ArgumentParser {
  return PARSERS.get(keyword) ?? (() => NOTHING);
}

const NOTHING: NodeArguments = { arguments: [], json: false, legacy: false };

const PARSERS: ReadonlyMap<string, ArgumentParser> = new Map<string, ArgumentParser>([
  ["ADD", parseJsonOrList],
  ["ARG", parseNames],
  ["CMD", parseCommand],
  ["COPY", parseJsonOrList],
  ["ENTRYPOINT", parseCommand],
  ["ENV", parsePairs],
  ["EXPOSE", parseList],
  ["FROM", parseList],
  ["HEALTHCHECK", parseHealthcheck],
  ["LABEL", parsePairs],
  ["MAINTAINER", parseWhole],
  ["ONBUILD", parseTrigger],
  ["RUN", parseCommand],
  ["SHELL", parseCommand],
  ["STOPSIGNAL", parseWhole],
  ["USER", parseWhole],
  ["VOLUME", parseJsonOrList],
  ["WORKDIR", parseWhole],
]);

/** The names of all instructions, upper-cased, in alphabetical order. */
export const KEYWORDS: readonly string[] = [...PARSERS.keys()];

function plain(tokens: readonly Token[]): NodeArguments {
  return { ...NOTHING, arguments: tokens };
}

function parseWhole(line: LogicalLine, start: number, end: number): NodeArguments {
  return start === end ? NOTHING : plain([tokenOf(line.text, start, end)]);
}

function parseList(line: LogicalLine, start: number, end: number): NodeArguments {
  return plain(splitArguments(line.text, start, end));
}

function parseNames(line: LogicalLine, start: number, end: number): NodeArguments {
  return plain(splitWords(line.text, start, end, line.escape));
}

function parseCommand(line: LogicalLine, start: number, end: number): NodeArguments {
  return parseJson(line, start, end) ?? parseWhole(line, start, end);
}

function parseJsonOrList(line: LogicalLine, start: number, end: number): NodeArguments {
  return parseJson(line, start, end) ?? parseList(line, start, end);
}

function parseJson(line: LogicalLine, start: number, end: number): NodeArguments | undefined {
  const form = parseJsonForm(line.text, start, end);
  if (form === undefined) return undefined;
  if (form.kind === "strings") return { arguments: form.tokens, json: true, legacy: false };
  const message = "when using JSON array syntax, arrays must be comprised of strings only";
  throw syntaxError(line, "DOCKERFILE_PARSE_ERROR", message, { start, end }, "quote every element");
}

/** ENV and LABEL. Without `=` in the first word it is the old form, whose value is the whole rest. */
function parsePairs(line: LogicalLine, start: number, end: number, context: NodeContext): NodeArguments {
  const words = splitWords(line.text, start, end, line.escape);
  const first = words[0];
  if (first === undefined) return NOTHING;
  if (!first.text.includes("=")) return parseLegacyPair(line, start, end, context);
  return plain(words.flatMap((word) => pairOf(line, word)));
}

function parseLegacyPair(line: LogicalLine, start: number, end: number, context: NodeContext): NodeArguments {
  const pair = splitOnce(line.text, start, end);
  if (pair.length === 2) return { arguments: pair, json: false, legacy: true };
  const message = `${context.keyword} must have two arguments`;
  const hint = `write ${context.keyword} ${line.text.slice(start, end)}=VALUE`;
  throw syntaxError(line, "DOCKERFILE_PARSE_ERROR", message, { start, end, part: "argument" }, hint);
}

function pairOf(line: LogicalLine, word: Token): Token[] {
  const pair = splitPair(word);
  if (pair !== undefined) return [pair.key, pair.value];
  const message = `Syntax error - can't find = in ${quote(word.text)}. Must be of the form: name=value`;
  throw syntaxError(line, "DOCKERFILE_PARSE_ERROR", message, { ...word, part: "argument" });
}

/** The type, then a command in shell or exec form. */
function parseHealthcheck(line: LogicalLine, start: number, end: number): NodeArguments {
  if (start === end) return NOTHING;
  let typeEnd = start;
  while (typeEnd < end && !isBlankAt(line.text, typeEnd)) typeEnd++;
  const command = parseCommand(line, skipBlanks(line.text, typeEnd, end), end);
  return { ...command, arguments: [tokenOf(line.text, start, typeEnd), ...command.arguments] };
}

/** Chains of ONBUILD are refused later; past this depth their ends are not even read. */
function parseTrigger(line: LogicalLine, start: number, end: number, context: NodeContext): NodeArguments {
  if (start === end || context.depth === MAX_DEPTH) return NOTHING;
  return { ...NOTHING, trigger: parseNode(line, start, context.depth + 1) };
}
