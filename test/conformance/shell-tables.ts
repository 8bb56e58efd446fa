import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { expandWord, expandWords } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";
import type { ConformanceCase, ConformanceTable } from "./table.ts";

interface LexCase {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly error: boolean;
  readonly expected: string;
  readonly matched: readonly string[];
  readonly unmatched: readonly string[];
}

/** Single words and what they expand to: `P|source|expected`. */
export function envVarTable(folder: string): ConformanceTable {
  const environment = new Map(Object.entries({ PWD: "/home", SHELL: "bash", KOREAN: "한국어", NULL: "" }));
  const rows = readRows(folder, "envVarTest").map((row) => row.split("|").map((field) => field.trim()));
  const cases = rows.map(([platform, source = "", expected = ""]) => ({
    platform,
    name: source,
    check: () =>
      assert.is(
        orError(() => expandWord(source, environment).word),
        expected,
      ),
  }));
  const windows = cases.filter(({ platform }) => platform === "W");
  return {
    name: "envVarTest",
    cases: cases.filter(({ platform }) => platform !== "W"),
    leftOut: windows.map(({ name }) => ({ name, reason: "holds on Windows only" })),
  };
}

/** Lines and the words they are split into: `source | w1,w2`; `ENV k=v` holds from there on. */
export function wordsTable(folder: string): ConformanceTable {
  const environment = new Map<string, string>();
  const cases: ConformanceCase[] = [];
  for (const row of readRows(folder, "wordsTest")) {
    const [, name, value = ""] = /^ENV ([^=]*)=(.*)$/.exec(row) ?? [];
    if (name === undefined) cases.push(wordsCase(row, new Map(environment)));
    else environment.set(name, value);
  }
  return { name: "wordsTest", cases, leftOut: [] };
}

function wordsCase(row: string, environment: ReadonlyMap<string, string>): ConformanceCase {
  const [source = "", expected = ""] = row.split("|");
  const words = () => orError(() => expandWords(source.trim(), environment).words.join(","));
  return { name: source.trim(), check: () => assert.is(words(), expected.trimStart()) };
}

/** Words with their environment, what they become, and the names that were found and not found. */
export function lexTable(folder: string): ConformanceTable {
  const rows: readonly LexCase[] = JSON.parse(readFileSync(join(folder, "lex-matches.json"), "utf8"));
  const cases = rows.map((row) => ({
    name: `${row.input} with ${JSON.stringify(row.env)}`,
    check: () => checkLex(row),
  }));
  return { name: "lex-matches", cases, leftOut: [] };
}

function checkLex({ input, env, error, expected, matched, unmatched }: LexCase): void {
  const expand = () => expandWord(input, new Map(Object.entries(env)));
  if (error) {
    assert.throws(expand, isExpansionError);
    return;
  }
  const expansion = expand();
  assert.is(expansion.word, expected);
  assert.equal([...expansion.matched].sort(), matched);
  assert.equal([...expansion.unmatched].sort(), unmatched);
}

function readRows(folder: string, file: string): readonly string[] {
  const lines = readFileSync(join(folder, "buildkit-shell", file), "utf8").split("\n");
  return lines.filter((line) => !line.startsWith("#") && line.trim() !== "");
}

function orError(expand: () => string): string {
  try {
    return expand();
  } catch (error) {
    assert.ok(isExpansionError(error), String(error));
    return "error";
  }
}

function isExpansionError(error: unknown): boolean {
  return error instanceof BuildError && error.code === "EXPANSION_FAILED";
}
