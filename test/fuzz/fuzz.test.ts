import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { flagNames } from "../../builder/dockerfile/flags.ts";
import { KEYWORDS } from "../../builder/dockerfile/line-parsers.ts";
import { CORPUS } from "./corpus.ts";
import { mutant } from "./mutate.ts";
import { survive } from "./survive.ts";

const ROUNDS = 3_000;
const suite = createSuite("fuzz");

suite("the corpus uses every instruction and every flag", () => {
  const isUsed = (pattern: string): boolean => CORPUS.some((text) => new RegExp(pattern, "im").test(text));
  const flags = KEYWORDS.flatMap((keyword) =>
    flagNames(keyword).map((flag) => `^(onbuild )?${keyword} [^]*--${flag}\\b`),
  );
  assert.equal(
    [...KEYWORDS.map((keyword) => `^${keyword}\\b`), ...flags].filter((pattern) => !isUsed(pattern)),
    [],
  );
});

for (const [index, text] of CORPUS.entries()) {
  suite(`Dockerfile ${index} of the corpus becomes a graph or an error with its place`, () => survive(text));
}

suite("so do mutated ones", async () => {
  for (let index = 0; index < ROUNDS; index++) {
    await survive(mutant(1, index)).catch((error: Error) => {
      throw new Error(`mutant(1, ${index}): ${error.stack}`);
    });
  }
});

suite.run();
