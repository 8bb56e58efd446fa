import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { expandWord, expandWords } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";

interface LexCase {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly error: boolean;
  readonly expected: string;
  readonly matched: readonly string[];
  readonly unmatched: readonly string[];
}

const read = (file: string): string => readFileSync(join(import.meta.dirname, "fixtures", file), "utf8");
const rows = (file: string): readonly string[] =>
  read(file)
    .split("\n")
    .filter((line) => !line.startsWith("#") && line.trim() !== "");

const suite = createSuite("conformance: BuildKit's shell words");

suite("the 228 words of envVarTest for Unix", () => {
  const environment = new Map(Object.entries({ PWD: "/home", SHELL: "bash", KOREAN: "한국어", NULL: "" }));
  const cases = rows("buildkit-shell/envVarTest").map((row) => row.split("|").map((field) => field.trim()));
  const unix = cases.filter(([platform]) => platform !== "W");
  assert.is(unix.length, 228);
  for (const [, source = "", expected] of unix) {
    assert.is(
      orError(() => expandWord(source, environment).word),
      expected,
      source,
    );
  }
});

suite("the 24 lines of wordsTest", () => {
  const environment = new Map<string, string>();
  let count = 0;
  for (const row of rows("buildkit-shell/wordsTest")) {
    const [, name, value = ""] = /^ENV ([^=]*)=(.*)$/.exec(row) ?? [];
    if (name !== undefined) environment.set(name, value);
    else {
      const [source = "", expected = ""] = row.split("|");
      const words = orError(() => expandWords(source.trim(), environment).words.join(","));
      assert.is(words, expected.trimStart(), source);
      count++;
    }
  }
  assert.is(count, 24);
});

for (const { input, env, error, expected, matched, unmatched } of JSON.parse(read("lex-matches.json")) as LexCase[]) {
  suite(`${input} with ${JSON.stringify(env)}`, () => {
    const expand = () => expandWord(input, new Map(Object.entries(env)));
    if (error) {
      assert.throws(expand, isExpansionError);
      return;
    }
    const expansion = expand();
    assert.is(expansion.word, expected);
    assert.equal([...expansion.matched].sort(), matched);
    assert.equal([...expansion.unmatched].sort(), unmatched);
  });
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

suite.run();
