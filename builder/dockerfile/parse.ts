import { BuildError } from "../errors.ts";
import { detectDirectives } from "./directives.ts";
import { findHeredocs } from "./heredoc.ts";
import type { ArgInstruction, Directives, Dockerfile, FromInstruction, Instruction, Stage } from "./instructions.ts";
import { type InstructionNode, parseNode } from "./node.ts";
import { type ReadInstruction, toInstruction } from "./parse-instruction.ts";
import { DockerfileReader } from "./reader.ts";
import type { SourceFile } from "./source.ts";

const HEREDOC_KEYWORDS = new Set(["ADD", "COPY", "RUN"]);

/**
 * Parses a Dockerfile (BuildKit's language, dockerfile frontend 1.25): 18 instructions, parser directives, heredocs.
 * Nothing is expanded. `file` is the name that errors show. Once the syntax of the whole file is known to be right,
 * `onInstruction` hears of each instruction, up to one that is refused. Throws BuildError with the place and the text:
 * DOCKERFILE_EMPTY, DOCKERFILE_PARSE_ERROR, UNKNOWN_INSTRUCTION, UNKNOWN_FLAG, DUPLICATE_FLAG, INVALID_FLAG,
 * INVALID_INSTRUCTION, INVALID_STAGE_NAME, NO_STAGE, UNTERMINATED_HEREDOC, LINE_TOO_LONG, DUPLICATE_DIRECTIVE, INVALID_ESCAPE.
 */
export function parseDockerfile(
  text: string,
  file = "Dockerfile",
  onInstruction?: (instruction: Instruction) => void,
): Dockerfile {
  const source = sourceOf(text, file);
  const head = detectDirectives(source.text);
  let escapeToken: Directives["escape"] = "\\";
  const assembly = new Assembly(source);
  for (const read of readInstructions(source)) {
    escapeToken = read.node.line.escape;
    assembly.add(read);
  }
  if (onInstruction !== undefined) assembly.instructions.forEach(onInstruction);
  return { source, directives: { escape: escapeToken, ...head }, ...assembly.finish() };
}

/** Parses one instruction, such as a trigger of a base image, heredoc bodies on the lines below it. Throws as parseDockerfile. */
export function parseInstruction(text: string, file = "Dockerfile"): Instruction {
  const source = sourceOf(text, file);
  const [only, ...others] = [...readInstructions(source)].map(toInstruction);
  if (only === undefined || others.length > 0) {
    const range = (others[0] ?? only)?.range;
    throw new BuildError("INVALID_INSTRUCTION", "onbuild trigger should be a single expression", { range, source });
  }
  return only;
}

/** The syntax of a file, instruction by instruction: what they are made of, without what they mean. */
export function* readInstructions(source: SourceFile): Generator<ReadInstruction, void> {
  const reader = new DockerfileReader(source);
  let isEmpty = true;
  for (let line = reader.nextLine(); line !== undefined; line = reader.nextLine()) {
    const node = parseNode(line, 0);
    const markers = canHoldHeredocs(node) ? findHeredocs(line) : [];
    const heredocs = markers.map((marker) => reader.readBody(node.line, marker));
    yield { node, heredocs, end: reader.end };
    isEmpty = false;
  }
  if (isEmpty) throw emptyError(source);
}

function canHoldHeredocs(node: InstructionNode): boolean {
  const holder = node.trigger ?? node;
  return HEREDOC_KEYWORDS.has(holder.name) && !holder.json;
}

function sourceOf(text: string, file: string): SourceFile {
  return { file, text: text.startsWith("\ufeff") ? text.slice(1) : text };
}

function emptyError(source: SourceFile): BuildError {
  const message = source.text === "" ? "the Dockerfile cannot be empty" : "file with no instructions";
  const start = { line: 1, column: 1 };
  const range = { file: source.file, start, end: start };
  return new BuildError("DOCKERFILE_EMPTY", message, { hint: "a Dockerfile begins with FROM", range, source });
}

interface StageDraft {
  readonly from: FromInstruction;
  readonly instructions: Exclude<Instruction, FromInstruction>[];
}

/** Sorts instructions into stages. */
class Assembly {
  readonly #source: SourceFile;
  readonly #globalArgs: ArgInstruction[] = [];
  readonly #stages: StageDraft[] = [];
  readonly #instructions: Instruction[] = [];
  #failure: unknown;

  constructor(source: SourceFile) {
    this.#source = source;
  }

  /** All that were placed, in order. */
  get instructions(): readonly Instruction[] {
    return this.#instructions;
  }

  /** The first failure is kept: what is wrong in the syntax of a later line is reported before it. */
  add(read: ReadInstruction): void {
    if (this.#failure !== undefined) return;
    try {
      this.#place(toInstruction(read));
    } catch (error) {
      this.#failure = error;
    }
  }

  finish(): Pick<Dockerfile, "globalArgs" | "stages"> {
    if (this.#failure !== undefined) throw this.#failure;
    return { globalArgs: this.#globalArgs, stages: this.#stages.map(toStage) };
  }

  #place(instruction: Instruction): void {
    const current = this.#stages.at(-1);
    if (instruction.keyword === "FROM") this.#stages.push({ from: instruction, instructions: [] });
    else if (current !== undefined) current.instructions.push(instruction);
    else if (instruction.keyword === "ARG") this.#globalArgs.push(instruction);
    else throw noStage(instruction, this.#source);
    this.#instructions.push(instruction);
  }
}

function toStage({ from, instructions }: StageDraft, index: number): Stage {
  return { index, ...(from.stageName === undefined ? {} : { name: from.stageName }), from, instructions };
}

function noStage(instruction: Instruction, source: SourceFile): BuildError {
  return new BuildError("NO_STAGE", "no build stage in current context", {
    hint: `put a FROM above ${instruction.keyword}; only ARG may come first`,
    range: instruction.keywordWord.range,
    source,
  });
}
