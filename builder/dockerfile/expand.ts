import { BuildError } from "../errors.ts";
import { quote } from "./quote.ts";
import type { SourceFile, SourceRange } from "./source.ts";
import { type ExpandedText, SubstitutionError, WholeText, WordExpander, WordsText } from "./word-expander.ts";

/** Variables by name; a Map is one. */
export interface Environment {
  get(name: string): string | undefined;
}

export interface ExpandOptions {
  /** The file's escape token. Default `\`; heredoc names and bodies always have `\`. */
  readonly escape?: "\\" | "`";
  /** Keeps quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keeps escape tokens in the result. */
  readonly rawEscapes?: boolean;
  /** Leaves a variable that is not set as it is written. */
  readonly skipUnsetEnv?: boolean;
  /** Quotes are plain text: for the bodies of COPY and ADD heredocs. */
  readonly skipProcessQuotes?: boolean;
  /** Where the word stands, for the error. */
  readonly range?: SourceRange;
  readonly source?: SourceFile;
  /** A closer place for the error than `range`: of the substitution that begins at an offset of the word. */
  readonly rangeAt?: (offset: number) => SourceRange;
}

// A heredoc is one word: the error shows its beginning.
const MAX_SHOWN = 500;

/** A word without its quotes, escapes and variables, and the names it asked for. */
export interface Expansion {
  readonly word: string;
  /** Names that are set. */
  readonly matched: ReadonlySet<string>;
  /** Names that are not. */
  readonly unmatched: ReadonlySet<string>;
}

/**
 * Expands the variables of one word and removes its quotes and escapes (BuildKit shell.Lex.ProcessWord): `$x`, `${x}`
 * and `${x:-y}` with the modifiers `- + ?` (and `:`), `#p ##p %p %%p`, `/p/r` and `//p/r`. Blanks stay.
 * Throws BuildError EXPANSION_FAILED with BuildKit's text.
 */
export function expandWord(word: string, environment: Environment, options: ExpandOptions = {}): Expansion {
  const text = new WholeText();
  return { ...expand(word, environment, options, text), word: text.text };
}

/** As expandWord, but splits at blanks that are neither quoted nor escaped, after expansion (Lex.ProcessWords): for EXPOSE. */
export function expandWords(
  word: string,
  environment: Environment,
  options: ExpandOptions = {},
): Omit<Expansion, "word"> & { readonly words: readonly string[] } {
  const text = new WordsText();
  return { ...expand(word, environment, options, text), words: text.finish() };
}

function expand(
  word: string,
  environment: Environment,
  options: ExpandOptions,
  into: ExpandedText,
): Omit<Expansion, "word"> {
  const expander = new WordExpander(word, environment, options);
  try {
    expander.readUntil(undefined, options.rawEscapes ?? false, into);
  } catch (error) {
    if (!(error instanceof SubstitutionError)) throw error;
    const { rangeAt, source } = options;
    const range = rangeAt === undefined ? options.range : rangeAt(expander.substitutionStart);
    const shown = word.length > MAX_SHOWN ? `${word.slice(0, MAX_SHOWN)}…` : word;
    throw new BuildError("EXPANSION_FAILED", `failed to process ${quote(shown)}: ${error.message}`, { range, source });
  }
  return { matched: expander.matched, unmatched: expander.unmatched };
}
