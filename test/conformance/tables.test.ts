import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { FIXTURES } from "./folder.ts";
import { readTables } from "./tables.ts";

const tables = readTables(FIXTURES);
const suite = createSuite("conformance");

suite("the tables are whole", () => {
  const sizes = tables.map(({ name, cases, leftOut }) => [name, cases.length, leftOut.length]);
  assert.equal(sizes, [
    ["envVarTest", 228, 2],
    ["wordsTest", 24, 0],
    ["lex-matches", 47, 0],
    ["parser testfiles", 33, 0],
    ["parser testfiles-negative", 4, 0],
    ["dockerfile-traps", 108, 2],
    ["dockerfile-traps, lints", 110, 0],
    ["dockerignore", 46, 0],
  ]);
});

suite("README says so", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8").replace(/ +/g, " ");
  for (const { name, cases, leftOut } of tables) {
    assert.ok(readme.includes(`\n| ${name} | ${cases.length} | ${cases.length} | ${leftOut.length} |\n`), name);
  }
});

for (const { name: table, cases } of tables) {
  for (const { name, check } of cases) suite(`${table}: ${name}`, check);
}

suite.run();
