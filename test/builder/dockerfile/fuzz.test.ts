// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of words
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import { expandWord, expandWords, IgnoreMatcher, parseDockerignore } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { type Below, pick, random } from "../../fuzz/random.ts";

const FIXTURES = join(import.meta.dirname, "../../conformance/fixtures");
const ROUNDS = 4_000;
const PIECES: readonly string[] =
  "\\ ` \n \r \t \u00a0 # = \" ' [ ] { } $ ${ } << : ? * ** ! , / // % ## - + \u0000 \ud800 \u{1f600} \ufeff".split(
    " ",
  );

const suite = createSuite("fuzz: words and .dockerignore files");

function mutate(text: string, below: Below): string {
  let result = text;
  for (let edits = 1 + below(6); edits > 0; edits--) {
    const at = below(result.length + 1);
    const to = Math.min(result.length, at + below(20));
    const inserted = [pick(PIECES, below), "", result.slice(at, to).repeat(2)][below(3)] ?? "";
    result = result.slice(0, at) + inserted + result.slice(below(2) === 0 ? at : to);
  }
  return result;
}

/** Whatever the input, there is a result or a BuildError. */
function survives(input: string, use: (input: string) => unknown): void {
  try {
    use(input);
  } catch (error) {
    if (!(error instanceof BuildError)) throw new Error(`${JSON.stringify(input)}: ${error}`, { cause: error });
  }
}

suite("mutated words expand or fail with a BuildError", () => {
  const below = random(2);
  const table = readFileSync(join(FIXTURES, "buildkit-shell/envVarTest"), "utf8");
  const words = table.split("\n").map((line) => line.split("|")[1] ?? "");
  const environment = new Map([
    ["PWD", "/home/*"],
    ["NULL", ""],
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    const word = mutate(words[round % words.length] ?? "", below);
    survives(word, (text) => expandWord(text, environment));
    survives(word, (text) => expandWords(text, environment, { rawQuotes: true, rawEscapes: true, skipUnsetEnv: true }));
  }
});

suite("mutated .dockerignore files compile and match or fail with a BuildError", () => {
  const below = random(3);
  const cases: readonly { file: string; path: string }[] = JSON.parse(
    readFileSync(join(FIXTURES, "dockerignore.json"), "utf8"),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const { file = "", path = "" } = cases[round % cases.length] ?? {};
    survives(mutate(file, below), (text) => new IgnoreMatcher(parseDockerignore(text)).isIgnored(path));
  }
});

suite.run();
