import { suite } from "uvu";
import * as assert from "uvu/assert";
import { renderLineFrame } from "../../../builder/cli/line-frame.ts";

const test = suite("line frame");
const RULER = "--------------------";

function frame(text: string, first: number, last: number): string {
  const range = { file: "D", start: { line: first, column: 1 }, end: { line: last, column: 1 } };
  return renderLineFrame({ file: "D", text }, range);
}

/** What is shown of nine lines, `>` before those meant. */
function shown(first: number, last: number, text = "1\n2\n3\n4\n5\n6\n7\n8\n9"): string {
  const rows = frame(text, first, last).split("\n").slice(2, -2);
  return rows.map((row) => row.replace(/^ +\d+ \| (>)?(?:>>| {3}) /, "$1")).join(" ");
}

for (const [first, last, expected] of [
  [5, 5, "3 4 >5 6 7"],
  [1, 1, ">1 2 3"],
  [2, 2, "1 >2 3 4"],
  [9, 9, "7 8 >9"],
  [4, 5, "3 >4 >5 6"],
  [1, 3, ">1 >2 >3 4"],
  [8, 20, "7 >8 >9"],
] as const) {
  test(`lines ${first} to ${last} of nine have those around them`, () => assert.is(shown(first, last), expected));
}

test("the frame names the file and the line, and ends in a newline", () => {
  assert.is(frame("FROM a\nRUN x", 2, 2), `D:2\n${RULER}\n   1 |     FROM a\n   2 | >>> RUN x\n${RULER}\n`);
});

test("numbers above 999 push the line to the right", () => {
  assert.match(frame(`${"\n".repeat(1233)}x`, 1234, 1234), "\n 1234 | >>> x\n");
});

test("a place that is not in the file has no frame", () => {
  assert.is(frame("FROM a", 2, 2), "");
  assert.is(frame("FROM a", 0, 0), "");
});

test("carriage returns and control characters do not reach the terminal, tabs do", () => {
  assert.match(frame("a\tb\u001b[0m\r\nc\u202ed\u0000", 1, 1), "   1 | >>> a\tb\ufffd[0m\n   2 |     c\ufffdd\ufffd\n");
});

test.run();
