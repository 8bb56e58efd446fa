import { posix } from "node:path";
import type { IgnoreRule } from "../../runtime-core/index.ts";
import { BuildError } from "../errors.ts";
import { trimBlanks } from "./blank.ts";
import { compilePattern } from "./ignore-pattern.ts";
import { quote } from "./quote.ts";
import type { SourceFile } from "./source.ts";

/**
 * The rules of a .dockerignore file, in its order: the last that matches decides. A line that begins with `#` at column
 * 1 is a comment. Throws INVALID_DOCKERIGNORE at the line. Reference: docs.docker.com/build/concepts/context, "dockerignore files".
 */
export function parseDockerignore(text: string, file = ".dockerignore"): IgnoreRule[] {
  const source: SourceFile = { file, text: text.startsWith("\ufeff") ? text.slice(1) : text };
  const rules: IgnoreRule[] = [];
  source.text.split("\n").forEach((line, index) => {
    if (line.startsWith("#") || trimBlanks(line) === "") return;
    rules.push(compileLine(source, line, index + 1));
  });
  return rules;
}

/** `--exclude` patterns, each in the language of a .dockerignore line. Throws INVALID_DOCKERIGNORE. */
export function compileIgnorePatterns(patterns: readonly string[]): IgnoreRule[] {
  return patterns.filter((pattern) => trimBlanks(pattern) !== "").map(compileRule);
}

function compileLine(source: SourceFile, line: string, number: number): IgnoreRule {
  try {
    return compileRule(line);
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    const column = line.length - line.trimStart().length + 1;
    const end = { line: number, column: Math.max(column, line.trimEnd().length + 1) };
    const range = { file: source.file, start: { line: number, column }, end };
    throw new BuildError(cause.code, cause.message, { hint: cause.hint, range, source });
  }
}

function compileRule(pattern: string): IgnoreRule {
  const trimmed = trimBlanks(pattern);
  const negated = trimmed.startsWith("!");
  const body = negated ? trimBlanks(trimmed.slice(1)) : trimmed;
  if (body === "") {
    const hint = "put a pattern behind the !";
    throw new BuildError("INVALID_DOCKERIGNORE", `illegal exclusion pattern: ${quote("!")}`, { hint });
  }
  return { negated, ...compileOrThrow(cleanPattern(body)) };
}

function compileOrThrow(pattern: string): Pick<IgnoreRule, "kind" | "text"> {
  try {
    return compilePattern(pattern);
  } catch (error) {
    const message = `invalid pattern ${quote(pattern)}: ${(error as Error).message}`;
    throw new BuildError("INVALID_DOCKERIGNORE", message, { hint: "close every [ and put \\ before a character" });
  }
}

/** Patterns are rooted at the context: `/a`, `a/` and `./a` are `a`. */
function cleanPattern(pattern: string): string {
  const clean = posix.normalize(pattern);
  const bare = clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
  return bare.length > 1 && bare.startsWith("/") ? bare.slice(1) : bare;
}
