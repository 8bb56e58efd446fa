import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { parseDockerfile } from "../../builder/dockerfile/index.ts";
import { readInstructions } from "../../builder/dockerfile/parse.ts";
import { BuildError } from "../../builder/errors.ts";
import { dump } from "./s-expression.ts";

const FIXTURES = join(import.meta.dirname, "fixtures/buildkit-parser");
const suite = createSuite("conformance: BuildKit's parser test files");

for (const name of readdirSync(join(FIXTURES, "testfiles"))) {
  suite(`${name} is cut as BuildKit cuts it`, () => {
    const read = (file: string): string => readFileSync(join(FIXTURES, "testfiles", name, file), "utf8");
    const instructions = [...readInstructions({ file: "Dockerfile", text: read("Dockerfile") })];
    assert.fixture(dump(instructions), read("result").trimEnd());
  });
}

for (const name of readdirSync(join(FIXTURES, "testfiles-negative"))) {
  suite(`${name} is refused`, () => {
    const text = readFileSync(join(FIXTURES, "testfiles-negative", name, "Dockerfile"), "utf8");
    assert.throws(
      () => parseDockerfile(text),
      (error: unknown) => error instanceof BuildError,
    );
  });
}

suite.run();
