import { type Environment, expandWord, expandWords } from "../dockerfile/expand.ts";
import type { Directives } from "../dockerfile/instructions.ts";
import { BuildError } from "../errors.ts";

/** What became of a word, and which names it asked for. */
export interface CheckedExpansion {
  /** undefined: it cannot be expanded, which is the dispatch's to report. */
  readonly words: readonly string[] | undefined;
  readonly matched: ReadonlySet<string>;
  /** Names that are not set, also those before an error. */
  readonly unmatched: ReadonlySet<string>;
}

export interface ExpansionForm {
  readonly escape: Directives["escape"];
  /** EXPOSE: one word may become several. */
  readonly split?: boolean;
  /** A heredoc body: quotes in it are text. */
  readonly isBody?: boolean;
}

/** Expands a word to learn what is in it. Never throws for what the word says. */
export function inspectWord(text: string, environment: Environment, form: ExpansionForm): CheckedExpansion {
  const asked = new RecordingEnvironment(environment);
  return { words: tryExpand(text, asked, form), matched: asked.matched, unmatched: asked.unmatched };
}

function tryExpand(text: string, environment: Environment, form: ExpansionForm): readonly string[] | undefined {
  const options = form.isBody === true ? { skipProcessQuotes: true } : { escape: form.escape };
  try {
    if (form.split === true) return expandWords(text, environment, options).words;
    return [expandWord(text, environment, options).word];
  } catch (error) {
    if (error instanceof BuildError) return undefined;
    throw error;
  }
}

class RecordingEnvironment implements Environment {
  readonly matched: Set<string> = new Set();
  readonly unmatched: Set<string> = new Set();
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get(name: string): string | undefined {
    const value = this.#environment.get(name);
    (value === undefined ? this.unmatched : this.matched).add(name);
    return value;
  }
}
