import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { parseDockerfile } from "../../builder/dockerfile/index.ts";
import { readInstructions } from "../../builder/dockerfile/parse.ts";
import { BuildError } from "../../builder/errors.ts";
import { dump } from "./s-expression.ts";
import type { ConformanceTable } from "./table.ts";

/** Dockerfiles and the S-expressions that BuildKit's parser makes of them. */
export function parserTable(folder: string): ConformanceTable {
  const files = join(folder, "buildkit-parser/testfiles");
  const cases = readdirSync(files).map((name) => ({
    name,
    check: () => {
      const text = readFileSync(join(files, name, "Dockerfile"), "utf8");
      const expected = readFileSync(join(files, name, "result"), "utf8").trimEnd();
      assert.fixture(dump([...readInstructions({ file: "Dockerfile", text })]), expected);
    },
  }));
  return { name: "parser testfiles", cases, leftOut: [] };
}

/** Dockerfiles that are refused, with a code and a place. */
export function negativeParserTable(folder: string): ConformanceTable {
  const files = join(folder, "buildkit-parser/testfiles-negative");
  const cases = readdirSync(files).map((name) => ({
    name,
    check: () => {
      const text = readFileSync(join(files, name, "Dockerfile"), "utf8");
      assert.throws(() => parseDockerfile(text), isPlaced);
    },
  }));
  return { name: "parser testfiles-negative", cases, leftOut: [] };
}

function isPlaced(error: unknown): boolean {
  return error instanceof BuildError && error.range !== undefined;
}
