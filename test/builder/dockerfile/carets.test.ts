import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { caretRange } from "../../../builder/dockerfile/ast.ts";
import { type LogicalLine, rangeOf, type Token } from "../../../builder/dockerfile/logical-line.ts";
import { readInstructions } from "../../../builder/dockerfile/parse.ts";

const CORPUS = join(import.meta.dirname, "../../conformance/fixtures/buildkit-parser/testfiles");
const suite = createSuite("carets from dockerfile-ast");

function lineOf(text: string): LogicalLine {
  const [first] = [...readInstructions({ file: "Dockerfile", text })];
  assert.ok(first);
  return first.node.line;
}

function show(line: LogicalLine, token: Token, part: Parameters<typeof caretRange>[2]): string {
  const { start, end } = caretRange(line, rangeOf(line, token.start, token.end), part);
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}

suite("keywords and plain arguments of the corpus stand where the reader has them", () => {
  let compared = 0;
  for (const name of readdirSync(CORPUS)) {
    const text = readFileSync(join(CORPUS, name, "Dockerfile"), "utf8");
    for (const { node } of readInstructions({ file: "Dockerfile", text })) {
      const own = rangeOf(node.line, node.keyword.start, node.keyword.end);
      assert.equal(caretRange(node.line, own, "keyword"), own, name);
      const isList = ["COPY", "ADD", "EXPOSE", "FROM"].includes(node.name) && !node.json;
      for (const token of isList ? node.arguments : []) {
        const range = rangeOf(node.line, token.start, token.end);
        assert.equal(caretRange(node.line, range, "argument"), range, `${name}: ${token.text}`);
        compared++;
      }
    }
  }
  assert.ok(compared > 40);
});

suite("a flag is cut into name, value and options", () => {
  const line = lineOf("RUN \\\n  --mount=type=bind,from=x y");
  const flag = { text: "", start: 6, end: 30 };
  assert.is(show(line, flag, "flag"), "2:3-2:27");
  assert.is(show(line, flag, "flag-name"), "2:3-2:10");
  assert.is(show(line, flag, "flag-value"), "2:11-2:27");
  assert.is(show(line, flag, { option: "from" }), "2:21-2:27");
});

suite("the reader's range stands where the tree has another, or none", () => {
  const spaced = lineOf('COPY --chown="a b" c /d');
  assert.is(show(spaced, { text: "", start: 5, end: 18 }, "flag-value"), "1:6-1:19");
  const returns = lineOf("COPY a\rb c");
  assert.is(show(returns, { text: "", start: 7, end: 8 }, "argument"), "1:8-1:9");
  const throwing = lineOf('RUN <<"Q""\nQ');
  assert.is(show(throwing, { text: "", start: 4, end: 10 }, "argument"), "1:5-1:11");
});

suite.run();
