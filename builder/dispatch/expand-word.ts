import {
  type Environment,
  expandWord as expand,
  expandWords as expandAll,
  heredocContent,
} from "../dockerfile/index.ts";
import type { Heredoc, Word } from "../dockerfile/instructions.ts";
import type { SourceFile, SourceRange } from "../dockerfile/source.ts";
import { BuildError } from "../errors.ts";
import type { BuildScope } from "./scope.ts";

/** A word of the Dockerfile with its variables. Throws EXPANSION_FAILED at the word. */
export function expandWord(scope: BuildScope, word: Word, environment: Environment): string {
  return expand(word.text, environment, place(scope, word)).word;
}

/** The variables of a word that are not set. Throws EXPANSION_FAILED at the word. */
export function unmatchedNames(scope: BuildScope, word: Word, environment: Environment): ReadonlySet<string> {
  return expand(word.text, environment, place(scope, word)).unmatched;
}

/** A word that may become several: EXPOSE splits after expansion. */
export function expandWords(scope: BuildScope, word: Word, environment: Environment): readonly string[] {
  return expandAll(word.text, environment, place(scope, word)).words;
}

/** The body of a COPY heredoc: expanded unless its delimiter is quoted; quotes in it are text. */
export function expandHeredoc(scope: BuildScope, heredoc: Heredoc, environment: Environment): string {
  const content = heredocContent(heredoc);
  if (heredoc.quoted) return content;
  const { source } = scope.dockerfile;
  const rangeAt = (offset: number) => lineRange(heredoc, source, content.slice(0, offset).split("\n").length - 1);
  return expand(content, environment, { skipProcessQuotes: true, rangeAt, source }).word;
}

/** Line `index` of a heredoc's body. */
function lineRange({ range: { file, start } }: Heredoc, { text }: SourceFile, index: number): SourceRange {
  const line = start.line + index;
  const end = (text.split("\n", line)[line - 1] ?? "").length + 1;
  return { file, start: { line, column: 1 }, end: { line, column: end } };
}

/** An instruction as progress shows it: variables that are set by their values, quotes as they are. What cannot be expanded stays as it is. */
export function expandForDisplay(scope: BuildScope, text: string, environment: Environment): string {
  if (!text.includes("$")) return text;
  const raw = { rawQuotes: true, rawEscapes: true, skipUnsetEnv: true };
  try {
    return expand(text, environment, { ...raw, escape: scope.dockerfile.directives.escape }).word;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return text;
  }
}

function place(scope: BuildScope, word: Word) {
  return { escape: scope.dockerfile.directives.escape, range: word.range, source: scope.dockerfile.source };
}
