import { detectDirectives } from "../dockerfile/directives.ts";
import type { SourceFile, SourceRange } from "../dockerfile/source.ts";
import { BuildError, type BuildErrorOptions } from "../errors.ts";
import { CheckOptionError, type CheckOptions, NO_OPTIONS, parseCheckOptions } from "./check-options.ts";
import { Linter } from "./linter.ts";

/** The build argument whose check options take the place of the file's. */
const CHECK_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK";

/**
 * A linter with the options of the build argument, else of the file's `# check=` directive.
 * Throws INVALID_CHECK_OPTION at the option.
 */
export function openLinter(source: SourceFile, buildArgs: Readonly<Record<string, string>>): Linter {
  const argument = Object.hasOwn(buildArgs, CHECK_ARGUMENT) ? buildArgs[CHECK_ARGUMENT] : undefined;
  return new Linter(argument === undefined ? directiveOptions(source) : argumentOptions(argument));
}

function argumentOptions(argument: string): CheckOptions {
  try {
    return parseCheckOptions(argument);
  } catch (error) {
    throw invalidOption(error, `failed to parse build-arg:${CHECK_ARGUMENT}`);
  }
}

function directiveOptions(source: SourceFile): CheckOptions {
  const text = source.text.startsWith("\ufeff") ? source.text.slice(1) : source.text;
  const value = detectDirectives(text).check;
  if (value === undefined) return NO_OPTIONS;
  try {
    return parseCheckOptions(value);
  } catch (error) {
    const place = { source: { ...source, text }, range: optionRange({ ...source, text }, value, error) };
    throw invalidOption(error, "failed to parse check options", place);
  }
}

function invalidOption(error: unknown, context: string, place: BuildErrorOptions = {}): unknown {
  if (!(error instanceof CheckOptionError)) return error;
  const hint = "the options are skip=RULE,…, error=true and experimental=RULE,…, separated by ;";
  return new BuildError("INVALID_CHECK_OPTION", `${context}: ${error.message}`, { ...place, hint });
}

/** Where the bad option stands: the directive is among the first lines, and its value ends at a blank. */
function optionRange({ file, text }: SourceFile, value: string, error: unknown): SourceRange | undefined {
  if (!(error instanceof CheckOptionError)) return undefined;
  const lines = text.split("\n");
  const index = lines.findIndex((line) => line.startsWith("#") && /check/i.test(line) && line.includes(value));
  const column = (lines[index] ?? "").indexOf(value) + error.offset + 1;
  if (index < 0) return undefined;
  const line = index + 1;
  return { file, start: { line, column }, end: { line, column: column + error.length } };
}
