import { BuildError } from "../errors.ts";
import { skipBlanks, trimBlanks } from "./blank.ts";
import { DirectiveReader } from "./directives.ts";
import type { HeredocMarker } from "./heredoc.ts";
import type { Heredoc } from "./instructions.ts";
import { LineScanner, type PhysicalLine } from "./line-scanner.ts";
import { type LogicalLine, rangeOf, type Segment } from "./logical-line.ts";
import type { Position, SourceFile, SourceRange } from "./source.ts";

interface Draft {
  readonly parts: string[];
  readonly segments: Segment[];
  length: number;
  hasEmptyContinuation: boolean;
}

/**
 * Reads a Dockerfile one instruction at a time: parser directives, comments, continuations and, when asked, heredoc
 * bodies, as BuildKit's parser does. It is the authority on where an instruction begins and ends. Linear in the text.
 */
export class DockerfileReader {
  readonly #source: SourceFile;
  readonly #lines: LineScanner;
  readonly #directives = new DirectiveReader();
  #escape: "\\" | "`" = "\\";
  #comments: string[] = [];
  #end: Position = { line: 1, column: 1 };

  constructor(source: SourceFile) {
    this.#source = source;
    this.#lines = new LineScanner(source);
  }

  /** As the directives read so far say. */
  get escape(): "\\" | "`" {
    return this.#escape;
  }

  /** Just after the last line that was read. */
  get end(): Position {
    return this.#end;
  }

  /** The next instruction's text. undefined: the end. Throws LINE_TOO_LONG, DUPLICATE_DIRECTIVE, INVALID_ESCAPE. */
  nextLine(): LogicalLine | undefined {
    for (let line = this.#nextPhysical(); line !== undefined; line = this.#nextPhysical()) {
      const start = skipBlanks(this.#source.text, line.start, line.end);
      if (this.#readDirective(line, start)) continue;
      if (this.#source.text[start] === "#" && start < line.end) this.#addComment(start, line.end);
      else if (start === line.end) this.#comments = [];
      else return this.#readInstruction(line, start);
    }
    return undefined;
  }

  /** The body that follows `line` and belongs to `marker`. Throws UNTERMINATED_HEREDOC. */
  readBody(line: LogicalLine, marker: HeredocMarker): Heredoc {
    const { text, file } = this.#source;
    let from: number | undefined;
    for (let body = this.#nextPhysical(); body !== undefined; body = this.#nextPhysical()) {
      from ??= body.start;
      if (!isTerminator(text.slice(body.start, body.end), marker)) continue;
      const content = text.slice(from, body.start);
      const firstLine = body.number - countLines(content);
      const { name, quoted, chomp, fileDescriptor } = marker;
      const range = { file, start: { line: firstLine, column: 1 }, end: this.#end };
      return { name, content, quoted, chomp, ...(fileDescriptor === undefined ? {} : { fileDescriptor }), range };
    }
    throw new BuildError("UNTERMINATED_HEREDOC", "unterminated heredoc", {
      hint: `end it with a line that says ${marker.name} and nothing else`,
      range: rangeOf(line, marker.start, marker.end),
      source: this.#source,
    });
  }

  #nextPhysical(): PhysicalLine | undefined {
    const line = this.#lines.next();
    if (line !== undefined) this.#end = { line: line.number, column: line.end - line.start + 1 };
    return line;
  }

  #readDirective(line: PhysicalLine, start: number): boolean {
    const { file, text } = this.#source;
    if (this.#directives.done) return false;
    const column = start - line.start + 1;
    const range = { file, start: { line: line.number, column }, end: this.#end };
    const written = text.slice(start, line.end);
    const directive = this.#directives.read(written, { source: this.#source, range });
    if (directive?.name === "escape") {
      const place = { source: this.#source, range: valueRange(range, written, directive.value) };
      this.#escape = requireEscape(directive.value, place);
    }
    return directive !== undefined;
  }

  #addComment(start: number, end: number): void {
    const comment = trimBlanks(this.#source.text.slice(start + 1, end));
    if (comment === "") this.#comments = [];
    else this.#comments.push(comment);
  }

  #readInstruction(first: PhysicalLine, start: number): LogicalLine {
    const draft: Draft = { parts: [], segments: [], length: 0, hasEmptyContinuation: false };
    let continues = this.#append(draft, first, start);
    while (continues) {
      const line = this.#nextPhysical();
      if (line === undefined) break;
      continues = this.#appendContinuation(draft, line);
    }
    const comments = this.#comments;
    this.#comments = [];
    return {
      source: this.#source,
      escape: this.#escape,
      text: draft.parts.join(""),
      segments: draft.segments,
      startLine: first.number,
      endLine: this.#lines.number,
      comments,
      hasEmptyContinuation: draft.hasEmptyContinuation,
    };
  }

  /** Comments and blank lines inside a continuation vanish; the instruction goes on after them. */
  #appendContinuation(draft: Draft, line: PhysicalLine): boolean {
    const { text } = this.#source;
    const start = skipBlanks(text, line.start, line.end);
    if (start === line.end) draft.hasEmptyContinuation = true;
    if (start === line.end || text[start] === "#") return true;
    return this.#append(draft, line, line.start);
  }

  /** Whether the line ends in a continuation. */
  #append(draft: Draft, line: PhysicalLine, start: number): boolean {
    const { text } = this.#source;
    const token = continuationAt(text, start, line.end, this.#escape);
    const end = token ?? line.end;
    draft.segments.push({ offset: draft.length, line: line.number, column: start - line.start + 1 });
    draft.parts.push(text.slice(start, end));
    draft.length += end - start;
    return token !== undefined;
  }
}

/** Where the continuation token of `text[start, end)` stands: last but for blanks, and not itself escaped. */
function continuationAt(text: string, start: number, end: number, escapeToken: string): number | undefined {
  let last = end - 1;
  while (last >= start && (text[last] === " " || text[last] === "\t")) last--;
  if (last < start || text[last] !== escapeToken) return undefined;
  return last > start && text[last - 1] === escapeToken ? undefined : last;
}

/** The value stands at the end of a directive, but for blanks. */
function valueRange(range: SourceRange, directive: string, value: string): SourceRange {
  const { line, column } = range.start;
  const at = column + directive.lastIndexOf(value);
  return { file: range.file, start: { line, column: at }, end: { line, column: at + value.length } };
}

function requireEscape(value: string, place: { readonly source: SourceFile; readonly range: SourceRange }): "\\" | "`" {
  if (value === "\\" || value === "`") return value;
  throw new BuildError("INVALID_ESCAPE", `invalid escape token '${value}' does not match \` or \\`, {
    ...place,
    hint: "write # escape=` or # escape=\\",
  });
}

function isTerminator(line: string, marker: HeredocMarker): boolean {
  return (marker.chomp ? line.replace(/^\t+/, "") : line) === marker.name;
}

function countLines(content: string): number {
  let lines = 0;
  for (let at = content.indexOf("\n"); at >= 0; at = content.indexOf("\n", at + 1)) lines++;
  return lines;
}
