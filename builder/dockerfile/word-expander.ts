import { isBlankAt } from "./blank.ts";
import type { Environment, ExpandOptions } from "./expand.ts";
import { replaceMatches, trimPrefix, trimSuffix } from "./shell-pattern.ts";

// Each level of ${a:-${b:-…}} is a few frames of our own stack.
const MAX_DEPTH = 256;
// Values made of values grow without end: ENV a=$a$a, again and again.
const MAX_EXPANDED = 16 * 1024 * 1024;
const NAME_CHAR = /^[\p{L}\p{Nd}_]$/u;
const DIGIT = /^\p{Nd}$/u;
const SPECIAL_PARAMETERS = "@*#?-$!0";

/** A word that cannot be expanded; the message is BuildKit's. */
export class SubstitutionError extends Error {}

/** What an expansion is written to. */
export interface ExpandedText {
  /** A character that was neither quoted nor escaped. */
  addPlain(char: string): void;
  /** Text that was quoted or escaped: its blanks are text. */
  addLiteral(text: string): void;
  /** The value of an unquoted variable. */
  addValue(text: string): void;
}

/** All of it, as one text. */
export class WholeText implements ExpandedText {
  text = "";

  addPlain(char: string): void {
    this.text += char;
  }

  addLiteral(text: string): void {
    this.text += text;
  }

  addValue(text: string): void {
    this.text += text;
  }
}

/** Cut into words at blanks. */
export class WordsText implements ExpandedText {
  readonly #words: string[] = [];
  #word = "";

  addPlain(char: string): void {
    if (!isBlankAt(char, 0)) this.#word += char;
    else this.#cut();
  }

  addLiteral(text: string): void {
    this.#word += text;
  }

  addValue(text: string): void {
    for (const char of text) this.addPlain(char);
  }

  finish(): readonly string[] {
    this.#cut();
    return this.#words;
  }

  #cut(): void {
    if (this.#word !== "") this.#words.push(this.#word);
    this.#word = "";
  }
}

/** Reads one word from left to right. BuildKit frontend/dockerfile/shell/lex.go. */
export class WordExpander {
  readonly matched: Set<string> = new Set();
  readonly unmatched: Set<string> = new Set();
  readonly #text: string;
  readonly #environment: Environment;
  readonly #options: ExpandOptions;
  readonly #escape: string;
  #rawEscapes = false;
  #at = 0;
  #depth = 0;
  #expanded = 0;
  #substitutionStart = 0;

  constructor(text: string, environment: Environment, options: ExpandOptions) {
    this.#text = text;
    this.#environment = environment;
    this.#options = options;
    this.#escape = options.escape ?? "\\";
  }

  /** Where the `$` stands that was read last. */
  get substitutionStart(): number {
    return this.#substitutionStart;
  }

  /** Reads up to `stop`, which is consumed, or to the end of the word. */
  readUntil(stop: string | undefined, rawEscapes: boolean, into: ExpandedText): void {
    const outer = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    while (this.#at < this.#text.length) {
      if (this.#peek() === stop) {
        this.#at++;
        this.#rawEscapes = outer;
        return;
      }
      this.#readPiece(into);
    }
    this.#rawEscapes = outer;
    if (stop !== undefined) {
      throw new SubstitutionError(`unexpected end of statement while looking for matching ${stop}`);
    }
  }

  #readPiece(into: ExpandedText): void {
    const char = this.#peek();
    const quotes = this.#options.skipProcessQuotes !== true;
    if (char === "$") into.addValue(this.#readDollar());
    else if (char === "'" && quotes) into.addLiteral(this.#readSingleQuoted());
    else if (char === '"' && quotes) into.addLiteral(this.#readDoubleQuoted());
    else if (char === "<") into.addLiteral(this.#readAngle());
    else if (char === this.#escape) this.#readEscaped(into);
    else into.addPlain(this.#next());
  }

  #readEscaped(into: ExpandedText): void {
    const token = this.#next();
    if (this.#rawEscapes) into.addLiteral(token);
    // A token at the end escapes nothing and is dropped.
    if (this.#at < this.#text.length) into.addLiteral(this.#next());
  }

  /** `<<` and the blanks after it are one piece, so that `<< EOF` is one word. */
  #readAngle(): string {
    const start = this.#at++;
    if (this.#peek() !== "<") return "<";
    this.#at++;
    while (isBlankAt(this.#text, this.#at)) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  #readSingleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) {
      this.#at = this.#text.length;
      throw new SubstitutionError("unexpected end of statement while looking for matching single-quote");
    }
    const start = this.#at;
    this.#at = end + 1;
    return this.#options.rawQuotes ? this.#text.slice(start, end + 1) : this.#text.slice(start + 1, end);
  }

  #readDoubleQuoted(): string {
    const mark = this.#options.rawQuotes ? '"' : "";
    let result = mark;
    this.#at++;
    while (this.#at < this.#text.length) {
      const char = this.#peek();
      if (char === '"') {
        this.#at++;
        return result + mark;
      }
      result += char === "$" ? this.#readDollar() : this.#readInDoubleQuotes();
    }
    throw new SubstitutionError("unexpected end of statement while looking for matching double-quote");
  }

  /** Between double quotes a token escapes `"`, `$` and itself, and is text before anything else. */
  #readInDoubleQuotes(): string {
    const char = this.#next();
    if (char !== this.#escape) return char;
    const raw = this.#rawEscapes ? char : "";
    const following = this.#peek();
    if (following === undefined) return raw;
    if (following === '"' || following === "$" || following === this.#escape) return raw + this.#next();
    return raw + char;
  }

  #readDollar(): string {
    this.#substitutionStart = this.#at++;
    if (this.#peek() === "{") return this.#readBraces();
    const name = this.#readName();
    if (name === "") return "$";
    return this.#lookUp(name) ?? (this.#options.skipUnsetEnv ? `$${name}` : "");
  }

  #readBraces(): string {
    this.#at++;
    const first = this.#peek();
    if (first === undefined) throw new SubstitutionError("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw new SubstitutionError("syntax error: bad substitution");
    if (++this.#depth > MAX_DEPTH) throw new SubstitutionError(`more than ${MAX_DEPTH} nested substitutions`);
    const name = this.#readName();
    const result = this.#readModifier(name);
    this.#depth--;
    return result;
  }

  #readModifier(name: string): string {
    const char = this.#next();
    if (char === "") throw new SubstitutionError("syntax error: missing '}'");
    if (char === "}") return this.#lookUp(name) ?? (this.#options.skipUnsetEnv ? `\${${name}}` : "");
    if (char === "/") return this.#readReplacement(name);
    if (char === ":") return this.#readChoice(name, this.#next(), true);
    if ("+-?".includes(char)) return this.#readChoice(name, char, false);
    if (char === "#" || char === "%") return this.#readTrim(name, char);
    throw new SubstitutionError(`unsupported modifier (${char}) in substitution`);
  }

  #readChoice(name: string, char: string, nullIsUnset: boolean): string {
    const modifier = nullIsUnset ? `:${char}` : char;
    if (char === "#" || char === "%") throw new SubstitutionError(`unsupported modifier (${modifier}) in substitution`);
    const word = this.#readNested("}", false, "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.skipUnsetEnv) return `\${${name}${modifier}${word}}`;
    const missing = value === undefined || (nullIsUnset && value === "");
    if (char === "-") return missing ? word : value;
    if (char === "+") return missing ? "" : word;
    if (char !== "?") throw new SubstitutionError(`unsupported modifier (${modifier}) in substitution`);
    if (!missing) return value;
    const state = value === undefined ? "unset" : "empty";
    throw new SubstitutionError(`${name}: ${word === "" ? `is not allowed to be ${state}` : word}`);
  }

  #readTrim(name: string, char: "#" | "%"): string {
    const word = this.#readNested("}", true, "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.skipUnsetEnv) return `\${${name}${char}${word}}`;
    const longest = word.startsWith(char);
    const pattern = longest ? word.slice(1) : word;
    return this.#matching(pattern, () => (char === "#" ? trimPrefix : trimSuffix)(value ?? "", pattern, longest));
  }

  #readReplacement(name: string): string {
    const all = this.#peek() === "/";
    if (all) this.#at++;
    const pattern = this.#readNested("/", true, `syntax error: missing '/' in \${}`);
    const replacement = this.#readNested("}", true, "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#options.skipUnsetEnv) return `\${${name}/${pattern}/${replacement}}`;
    return this.#matching(pattern, () => replaceMatches(value ?? "", pattern, replacement, all));
  }

  #matching(pattern: string, match: () => string): string {
    try {
      return match();
    } catch (error) {
      throw new SubstitutionError(`invalid pattern (${pattern}) in substitution: ${(error as Error).message}`);
    }
  }

  /** An error inside that ran to the end of the word is the missing end of this substitution. */
  #readNested(stop: string, rawEscapes: boolean, atEnd: string): string {
    const text = new WholeText();
    try {
      this.readUntil(stop, rawEscapes, text);
    } catch (error) {
      if (error instanceof SubstitutionError && this.#at >= this.#text.length) throw new SubstitutionError(atEnd);
      throw error;
    }
    return text.text;
  }

  #readName(): string {
    const start = this.#at;
    const first = this.#peekCharacter();
    if (DIGIT.test(first)) return this.#takeWhile(DIGIT);
    if (first !== "" && SPECIAL_PARAMETERS.includes(first)) return this.#next();
    this.#takeWhile(NAME_CHAR);
    return this.#text.slice(start, this.#at);
  }

  #takeWhile(test: RegExp): string {
    const start = this.#at;
    for (let char = this.#peekCharacter(); test.test(char); char = this.#peekCharacter()) this.#at += char.length;
    return this.#text.slice(start, this.#at);
  }

  #lookUp(name: string): string | undefined {
    const value = this.#environment.get(name);
    (value === undefined ? this.unmatched : this.matched).add(name);
    this.#expanded += value?.length ?? 0;
    if (this.#expanded > MAX_EXPANDED) throw new SubstitutionError("expands to more than 16 MiB");
    return value;
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  /** A whole code point; empty at the end. */
  #peekCharacter(): string {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  /** Empty at the end. */
  #next(): string {
    return this.#text[this.#at++] ?? "";
  }
}
