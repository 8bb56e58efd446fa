import { invalidInstruction } from "./argument-count.ts";
import { type Flags, readFlags } from "./flags.ts";
import { heredocContent, parseHeredocMarker } from "./heredoc.ts";
import type { AddInstruction, CopyInstruction, Heredoc, Word } from "./instructions.ts";
import { type Token, wordOf } from "./logical-line.ts";
import type { InstructionNode } from "./node.ts";
import type { InstructionBase, ReadInstruction } from "./parse-instruction.ts";

type Sources = Pick<CopyInstruction, "sources" | "heredocs" | "dest">;
type SharedFlags = Pick<CopyInstruction, "chown" | "chmod" | "link" | "exclude">;

/** COPY: sources, heredocs and a destination, as words or a JSON array. */
export function parseCopy(read: ReadInstruction, base: InstructionBase): CopyInstruction {
  requireDestination(read.node);
  const flags = readFlags(read.node);
  const from = flags.text("from");
  return {
    ...base,
    keyword: "COPY",
    ...readSources(read),
    ...sharedFlags(flags),
    ...(from ? { from } : {}),
    parents: flags.boolean("parents") ?? false,
  };
}

/** ADD: as COPY, with flags of its own. */
export function parseAdd(read: ReadInstruction, base: InstructionBase): AddInstruction {
  requireDestination(read.node);
  const flags = readFlags(read.node);
  const checksum = flags.text("checksum");
  const keepGitDir = flags.boolean("keep-git-dir");
  const unpack = flags.boolean("unpack");
  return {
    ...base,
    keyword: "ADD",
    ...readSources(read),
    ...sharedFlags(flags),
    ...(checksum ? { checksum } : {}),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(unpack === undefined ? {} : { unpack }),
  };
}

function requireDestination(node: InstructionNode): void {
  if (node.arguments.length >= 2) return;
  const message = `${node.name} requires at least two arguments, but only one was provided. Destination could not be determined`;
  throw invalidInstruction(node, message, node.arguments[0]);
}

function sharedFlags(flags: Flags): SharedFlags {
  const chown = flags.text("chown");
  const chmod = flags.text("chmod");
  return {
    ...(chown ? { chown } : {}),
    ...(chmod ? { chmod } : {}),
    link: flags.boolean("link") ?? false,
    exclude: flags.list("exclude"),
  };
}

function readSources({ node, heredocs }: ReadInstruction): Sources {
  const words = [...node.arguments];
  const dest = words.pop() as Token;
  if (!node.json && parseHeredocMarker(dest.text) !== undefined) {
    throw invalidInstruction(node, `${node.name} cannot accept a heredoc as a destination`, dest);
  }
  const bodies = [...heredocs];
  const files: Heredoc[] = [];
  const sources: Word[] = [];
  for (const word of words) {
    const body = node.json ? undefined : takeBody(bodies, word);
    if (body === undefined) sources.push(wordOf(node.line, word));
    else files.push({ ...body, content: heredocContent(body) });
  }
  return { sources, heredocs: files, dest: wordOf(node.line, dest) };
}

/** The first body of that name that no earlier word took: two heredocs may share a name. */
function takeBody(bodies: Heredoc[], word: Token): Heredoc | undefined {
  const marker = parseHeredocMarker(word.text);
  const index = marker === undefined ? -1 : bodies.findIndex(({ name }) => name === marker.name);
  return index < 0 ? undefined : bodies.splice(index, 1)[0];
}
