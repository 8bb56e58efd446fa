import { parseBoolean } from "../boolean.ts";
import { quote } from "../dockerfile/quote.ts";

/** Which rules are run, and whether a warning fails the build. */
export interface CheckOptions {
  readonly skip: RuleSet;
  readonly experimental: RuleSet;
  readonly error: boolean;
}

/** Rules by name; names that no rule has are harmless. */
export type RuleSet = "all" | ReadonlySet<string>;

const NONE: ReadonlySet<string> = new Set();

export const NO_OPTIONS: CheckOptions = { skip: NONE, experimental: NONE, error: false };

/** An option that is none, and where it stands in the text. */
export class CheckOptionError extends Error {
  readonly offset: number;
  readonly length: number;

  constructor(message: string, option: Option) {
    super(message);
    this.offset = option.offset;
    this.length = option.text.length;
  }
}

/**
 * `skip=A,B;error=true;experimental=all`: the value of `# check=` and of `--build-arg BUILDKIT_DOCKERFILE_CHECK`. The last of
 * options with one name wins, and there are at most three. Throws CheckOptionError with BuildKit's text (linter.ParseLintOptions).
 */
export function parseCheckOptions(text: string): CheckOptions {
  return splitOptions(text).reduce(applyOption, NO_OPTIONS);
}

/** What holds for one instruction: more is skipped and more is asked for; whether warnings are errors stays. */
export function mergeCheckOptions(file: CheckOptions, instruction: CheckOptions): CheckOptions {
  return {
    skip: union(file.skip, instruction.skip),
    experimental: union(file.experimental, instruction.experimental),
    error: file.error,
  };
}

/** Whether a rule of that name is in the set. */
export function hasRule(rules: RuleSet, name: string): boolean {
  return rules === "all" || rules.has(name);
}

interface Option {
  readonly text: string;
  readonly offset: number;
}

function splitOptions(text: string): readonly Option[] {
  if (text.trim() === "") return [];
  const [first = "", second, ...rest] = text.split(";");
  const texts = [first, ...(second === undefined ? [] : [second]), ...(rest.length === 0 ? [] : [rest.join(";")])];
  let offset = 0;
  return texts.map((part) => {
    const option = { text: part, offset };
    offset += part.length + 1;
    return option;
  });
}

function applyOption(options: CheckOptions, option: Option): CheckOptions {
  const equals = option.text.indexOf("=");
  if (equals < 0) throw new CheckOptionError(`invalid check option ${quote(option.text)}`, option);
  const name = option.text.slice(0, equals).trim();
  const value = option.text.slice(equals + 1).trim();
  switch (name) {
    case "skip":
      return { ...options, skip: parseRules(value) };
    case "experimental":
      return { ...options, experimental: parseRules(value) };
    case "error":
      return { ...options, error: readBoolean(value, option) };
    default:
      throw new CheckOptionError(`invalid check option ${quote(name)}`, option);
  }
}

function parseRules(value: string): RuleSet {
  return value === "all" ? "all" : new Set(value.split(",").map((name) => name.trim()));
}

function readBoolean(value: string, option: Option): boolean {
  const isSet = parseBoolean(value);
  if (isSet !== undefined) return isSet;
  const cause = `strconv.ParseBool: parsing ${quote(value)}: invalid syntax`;
  throw new CheckOptionError(`failed to parse check option ${quote(option.text)}: ${cause}`, option);
}

function union(a: RuleSet, b: RuleSet): RuleSet {
  return a === "all" || b === "all" ? "all" : new Set([...a, ...b]);
}
