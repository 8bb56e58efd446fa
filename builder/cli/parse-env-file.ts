import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/**
 * `--env-file`: `NAME=value` lines as they are, without quotes; `NAME` alone is left to the environment; `#` begins a comment.
 * Throws ENV_FILE.
 */
export function readEnvFile(path: string): readonly string[] {
  return readLines(path)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => checkName(path, line));
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8")
      .replace(/^\ufeff/, "")
      .split(/\r?\n/);
  } catch (error) {
    throw new UsageError("ENV_FILE", `cannot read the environment file ${path}: ${(error as Error).message}`);
  }
}

function checkName(path: string, line: string): string {
  const [name = ""] = line.split("=");
  if (name !== "" && !/\s/.test(name)) return line;
  const problem = name === "" ? "no variable name on the line" : "contains whitespaces in its name";
  throw new UsageError(
    "ENV_FILE",
    `${path}: ${JSON.stringify(line)}: ${problem}`,
    "a line is NAME=VALUE, without quotes",
  );
}
