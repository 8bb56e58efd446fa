import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { renderSourceFrame } from "../../builder/source-frame.ts";

const suite = createSuite("source frame");

interface Case {
  readonly name: string;
  readonly text: string;
  readonly start: readonly [line: number, column: number];
  readonly end: readonly [line: number, column: number];
  readonly frame: string;
}

const long = `RUN ${"a".repeat(150)} MARK ${"b".repeat(150)}`;

const cases: readonly Case[] = [
  {
    name: "a word has carets under it and a line on either side",
    text: "FROM alpine\nWORKDIR /app\nCOPY package.json package-lock.jsn ./\nRUN npm ci\n",
    start: [3, 19],
    end: [3, 35],
    frame: [
      "  ┌─ Dockerfile:3:19",
      "2 │ WORKDIR /app",
      "3 │ COPY package.json package-lock.jsn ./",
      "  │                   ^^^^^^^^^^^^^^^^",
      "4 │ RUN npm ci",
    ].join("\n"),
  },
  {
    name: "the first line has nothing above it, the last nothing below",
    text: "FRM alpine",
    start: [1, 1],
    end: [1, 4],
    frame: ["  ┌─ Dockerfile:1:1", "1 │ FRM alpine", "  │ ^^^"].join("\n"),
  },
  {
    name: "tabs are expanded and wide characters take two columns",
    text: "RUN\ta 한국 b",
    start: [1, 10],
    end: [1, 11],
    frame: ["  ┌─ Dockerfile:1:10", "1 │ RUN a 한국 b", "  │            ^"].join("\n"),
  },
  {
    name: "an empty range gets one caret, past the end too",
    text: "FROM a",
    start: [1, 7],
    end: [1, 7],
    frame: ["  ┌─ Dockerfile:1:7", "1 │ FROM a", "  │       ^"].join("\n"),
  },
  {
    name: "a long line is cut around the carets",
    text: long,
    start: [1, 156],
    end: [1, 160],
    frame: [
      "  ┌─ Dockerfile:1:156",
      `1 │ …${"a".repeat(56)} MARK ${"b".repeat(56)}…`,
      `  │ ${" ".repeat(58)}^^^^`,
    ].join("\n"),
  },
  {
    name: "several lines are marked at the bar",
    text: "FROM a\nRUN b \\\n  && c\nCMD d\n",
    start: [2, 1],
    end: [3, 7],
    frame: ["  ┌─ Dockerfile:2:1", "1 │ FROM a", "2 │>RUN b \\", "3 │>  && c", "4 │ CMD d"].join("\n"),
  },
  {
    name: "the middle of a long range is left out",
    text: Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n"),
    start: [2, 1],
    end: [19, 8],
    frame: [
      "   ┌─ Dockerfile:2:1",
      " 1 │ line 1",
      " 2 │>line 2",
      " 3 │>line 3",
      " 4 │>line 4",
      " 5 │>line 5",
      " 6 │>line 6",
      " ⋮ │",
      "18 │>line 18",
      "19 │>line 19",
      "20 │ line 20",
    ].join("\n"),
  },
  {
    name: "control characters do not reach the terminal",
    text: "RUN \u001b[31mred\u202e\r\n",
    start: [1, 5],
    end: [1, 6],
    frame: ["  ┌─ Dockerfile:1:5", "1 │ RUN \ufffd[31mred\ufffd", "  │     ^"].join("\n"),
  },
];

for (const { name, text, start, end, frame } of cases) {
  suite(name, () => {
    const position = ([line, column]: readonly [number, number]) => ({ line, column });
    const range = { file: "Dockerfile", start: position(start), end: position(end) };
    assert.fixture(renderSourceFrame({ file: "Dockerfile", text }, range), frame);
  });
}

suite("colours are only what is asked for", () => {
  const range = { file: "f", start: { line: 1, column: 1 }, end: { line: 1, column: 4 } };
  const colored = renderSourceFrame({ file: "f", text: "FRM" }, range, { color: true });
  assert.is(
    colored,
    "  \u001b[2m┌─\u001b[22m f:1:1\n\u001b[2m1 │\u001b[22m FRM\n\u001b[2m  │\u001b[22m \u001b[1;31m^^^\u001b[22;39m",
  );
});

suite.run();
