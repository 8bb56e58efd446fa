import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { suggest } from "../../builder/suggest.ts";

const suite = createSuite("suggest");

const cases: readonly [word: string, candidates: readonly string[], expected: string | undefined, name: string][] = [
  ["biuld", ["test", "build"], "build", "two edits are near enough"],
  ["bld", ["build", "blue"], "build", "of two at the same distance the first wins"],
  ["buildx", ["guild", "build"], "build", "the nearest wins over the first"],
  ["xyzzy", ["build"], undefined, "three edits are too many"],
  ["build", ["guild", "build"], undefined, "a word that is known has no suggestion"],
  ["Build", ["build"], "build", "case counts"],
  ["", ["ab", "abc"], "ab", "an empty word is as far away as a candidate is long"],
];

for (const [word, candidates, expected, name] of cases) {
  suite(name, () => assert.is(suggest(word, candidates), expected));
}

suite.run();
