import { BuildError } from "../errors.ts";
import { skipBlanks } from "./blank.ts";
import type { Directives } from "./instructions.ts";
import type { SourceFile, SourceRange } from "./source.ts";

const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*([^\n]+?)[\t\n\f\r ]*$/;
const NAMES = new Set(["syntax", "escape", "check"]);

/** A `# name=value` line at the head of a file. */
export interface Directive {
  /** Lower-cased. */
  readonly name: string;
  readonly value: string;
}

/**
 * Reads parser directives, line by line, until a line is none. Blank lines, other comments, unknown names and
 * instructions all end it (Dockerfile reference, "Parser directives").
 */
export class DirectiveReader {
  readonly #marker: string;
  readonly #seen = new Set<string>();
  #done = false;

  constructor(marker: "#" | "//" = "#") {
    this.#marker = marker;
  }

  get done(): boolean {
    return this.#done;
  }

  /** undefined: not a directive, and no later line is. Throws DUPLICATE_DIRECTIVE at `place`. */
  read(line: string, place: { readonly source: SourceFile; readonly range: SourceRange }): Directive | undefined {
    const directive = this.#done ? undefined : matchDirective(line, this.#marker);
    if (directive === undefined) {
      this.#done = true;
      return undefined;
    }
    if (this.#seen.has(directive.name)) {
      throw new BuildError("DUPLICATE_DIRECTIVE", `only one ${directive.name} parser directive can be used`, {
        ...place,
        hint: "remove this line",
      });
    }
    this.#seen.add(directive.name);
    return directive;
  }
}

function matchDirective(line: string, marker: string): Directive | undefined {
  if (!line.startsWith(marker)) return undefined;
  const match = DIRECTIVE.exec(line.slice(skipBlanks(line, marker.length, line.length)));
  const name = match?.[1]?.toLowerCase() ?? "";
  return NAMES.has(name) ? { name, value: match?.[2] ?? "" } : undefined;
}

/**
 * What the head of a file says about its frontend and its checks. Unlike `escape`, these are found only at column 1;
 * `syntax` also as a `//` comment or a key of a JSON document, and below a shebang. Values end at the first blank.
 */
export function detectDirectives(text: string): Omit<Directives, "escape"> {
  const body = text.startsWith("#!") ? text.slice(text.indexOf("\n") + 1 || text.length) : text;
  const hashed = scanDirectives(body, "#");
  const syntax = hashed.get("syntax") ?? scanDirectives(body, "//").get("syntax") ?? jsonSyntax(body);
  const check = hashed.get("check");
  return { ...(syntax === undefined ? {} : { syntax }), ...(check === undefined ? {} : { check }) };
}

function scanDirectives(text: string, marker: "#" | "//"): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const directive = matchDirective(text.slice(start, end), marker);
    if (directive === undefined || found.has(directive.name)) return found;
    found.set(directive.name, directive.value.split(" ", 1)[0] ?? "");
    start = end + 1;
  }
  return found;
}

function jsonSyntax(text: string): string | undefined {
  if (text.charCodeAt(skipBlanks(text, 0, text.length)) !== 0x7b) return undefined;
  try {
    const { syntax } = JSON.parse(text) as { syntax?: unknown };
    return typeof syntax === "string" ? syntax : undefined;
  } catch {
    return undefined;
  }
}
