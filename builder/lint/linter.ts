import type { SourceRange } from "../dockerfile/source.ts";
import { BuildError } from "../errors.ts";
import { CheckOptionError, type CheckOptions, hasRule, mergeCheckOptions, parseCheckOptions } from "./check-options.ts";
import type { Rule } from "./rules.ts";

/** What a rule has to say about a place. */
export interface LintWarning {
  /** The rule's name. */
  readonly rule: string;
  /** What the rule is about, in general. */
  readonly description: string;
  /** Where the rule is explained; undefined for the one without a page. */
  readonly url?: string;
  /** What is wrong here. */
  readonly message: string;
  /** The whole instruction, from its first line to its last. */
  readonly range: SourceRange;
}

/** Takes the findings about one instruction. */
export interface Reporter {
  report<A extends readonly string[]>(rule: Rule<A>, range: SourceRange, ...args: A): void;
}

// A comment such as `# check=skip=UndefinedVar // why`: the value ends at the first blank.
const CHECK_COMMENT = /^check\s*=\s*(\S+)/i;

/** Collects warnings: rules that are skipped, and experimental ones that are not asked for, are passed over. */
export class Linter implements Reporter {
  readonly #options: CheckOptions;
  readonly #warnings: LintWarning[] = [];

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  /** In the order they were found. */
  get warnings(): readonly LintWarning[] {
    return this.#warnings;
  }

  report<A extends readonly string[]>(rule: Rule<A>, range: SourceRange, ...args: A): void {
    this.#report(this.#options, rule, range, args);
  }

  /** For an instruction with these comments directly above it: the first `check=` among them adds to the file's options. */
  at(comments: readonly string[]): Reporter {
    const options = commentOptions(this.#options, comments);
    if (options === this.#options) return this;
    return { report: (rule, range, ...args) => this.#report(options, rule, range, args) };
  }

  /** Throws LINT_VIOLATION if there are warnings and the options make them errors. */
  throwViolations(): void {
    if (!this.#options.error || this.#warnings.length === 0) return;
    const rules = [...new Set(this.#warnings.map(({ rule }) => rule))];
    throw new BuildError("LINT_VIOLATION", `lint violation found for rules: ${rules.join(", ")}`, {
      hint: "mend what the warnings say, or leave error=true out of the check options",
    });
  }

  #report<A extends readonly string[]>(options: CheckOptions, rule: Rule<A>, range: SourceRange, args: A): void {
    const { name, description, url, experimental } = rule;
    const isOn = experimental ? hasRule(options.experimental, name) : !hasRule(options.skip, name);
    if (!isOn) return;
    const message = rule.message(...args);
    this.#warnings.push({ rule: name, description, ...(url === undefined ? {} : { url }), message, range });
  }
}

/** A comment is no directive: one whose options make no sense is a comment, as in BuildKit. */
function commentOptions(options: CheckOptions, comments: readonly string[]): CheckOptions {
  const [, value] = comments.map((comment) => CHECK_COMMENT.exec(comment)).find((match) => match !== null) ?? [];
  if (value === undefined) return options;
  try {
    return mergeCheckOptions(options, parseCheckOptions(value));
  } catch (error) {
    if (error instanceof CheckOptionError) return options;
    throw error;
  }
}

/** Whether a comment is there for the linter rather than for a reader. */
export function isCheckComment(comment: string): boolean {
  return CHECK_COMMENT.test(comment);
}
