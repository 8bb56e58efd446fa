import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { IgnoreMatcher, parseDockerignore } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";

interface IgnoreCase {
  readonly n: number;
  readonly title: string;
  readonly file: string;
  readonly path: string;
  readonly walk: boolean | "ERR";
  readonly orParent: boolean | "ERR";
}

const cases: readonly IgnoreCase[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/dockerignore.json"), "utf8"),
);
const suite = createSuite("conformance: .dockerignore");

for (const { n, title, file, path, walk, orParent } of cases) {
  suite(`${n}: ${title}: ${path}`, () => {
    if (walk === "ERR") {
      assert.throws(
        () => parseDockerignore(file),
        (error: unknown) => error instanceof BuildError,
      );
      return;
    }
    const matcher = new IgnoreMatcher(parseDockerignore(file));
    assert.is(matcher.isIgnored(path), walk);
    assert.is(matcher.isIgnoredByAnyParent(path), orParent);
  });
}

suite.run();
