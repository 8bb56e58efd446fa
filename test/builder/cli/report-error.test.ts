import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exitCodeOf, reportError } from "../../../builder/cli/report-error.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";
import { BuildError } from "../../../builder/errors.ts";

const test = suite("report error");
const plain = { color: false, annotate: false };

const source = {
  file: "Dockerfile",
  text: "FROM node\nWORKDIR /app\nCOPY package.json package-lock.jsn ./\nRUN npm ci\n",
};
const range = { file: "Dockerfile", start: { line: 3, column: 19 }, end: { line: 3, column: 35 } };
const missing = new BuildError("COPY_SOURCE_NOT_FOUND", "COPY source not found: package-lock.jsn", {
  range,
  source,
  hint: "did you mean package-lock.json?",
});

test("an error shows its code, its place and the way out", () => {
  assert.is(
    reportError(missing, plain),
    `error: COPY source not found: package-lock.jsn  [COPY_SOURCE_NOT_FOUND]
  ┌─ Dockerfile:3:19
2 │ WORKDIR /app
3 │ COPY package.json package-lock.jsn ./
  │                   ^^^^^^^^^^^^^^^^
4 │ RUN npm ci
hint: did you mean package-lock.json?
`,
  );
});

test("GitHub Actions gets an annotation at the line", () => {
  const annotated = reportError(missing, { color: false, annotate: true });
  assert.match(annotated, "::error file=Dockerfile,line=3,endLine=3,col=19::COPY source not found: package-lock.jsn\n");
  const odd = new BuildError("X", "50%\nof it", { range: { ...range, file: "a,b:c" }, source });
  assert.match(
    reportError(odd, { color: false, annotate: true }),
    "::error file=a%2Cb%3Ac,line=3,endLine=3,col=19::50%25%0Aof it\n",
  );
});

test("a cause is shown unless the message already tells it", () => {
  const cause = new Error("ECONNREFUSED", { cause: new Error("deeper") });
  assert.is(
    reportError(new BuildError("X", "cannot reach it", { cause }), plain),
    "error: cannot reach it  [X]\ncause: ECONNREFUSED\ncause: deeper\n",
  );
  assert.is(
    reportError(new BuildError("X", "cannot reach it: ECONNREFUSED", { cause }), plain),
    "error: cannot reach it: ECONNREFUSED  [X]\ncause: deeper\n",
  );
});

test("an error of another module shows its code and hint", () => {
  const error = Object.assign(new Error("denied"), { code: "UNAUTHORIZED", hint: "docker login" });
  assert.is(reportError(error, plain), "error: denied  [UNAUTHORIZED]\nhint: docker login\n");
});

test("an error without a code is a bug and shows its stack", () => {
  const report = reportError(new TypeError("x is not a function"), plain);
  assert.match(report, /^error: TypeError: x is not a function\n {4}at /);
  assert.match(report, "hint: this is a bug in tsbuild");
});

test("control characters of a message do not reach the terminal", () => {
  assert.is(reportError(new BuildError("X", "a\u001b[31mb\u202ec"), plain), "error: a\ufffd[31mb\ufffdc  [X]\n");
});

test("colours only where they are wanted", () => {
  assert.match(reportError(missing, { color: true, annotate: false }), "\u001b[1;31merror:\u001b[0m COPY");
  assert.not.match(reportError(missing, plain), "\u001b");
});

for (const [error, code] of [
  [new BuildError("RUN_FAILED", "", { exitCode: 7 }), 7],
  [new BuildError("RUN_FAILED", "", { exitCode: 300 }), 1],
  [new BuildError("RUN_FAILED", "", { exitCode: 0 }), 1],
  [new BuildError("X", ""), 1],
  [new UsageError("X", ""), 2],
  [new Error(""), 1],
  ["text", 1],
] as const) {
  test(`${String(error)} ends with ${code}`, () => {
    assert.is(exitCodeOf(error), code);
  });
}

test.run();
