import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { compileIgnorePatterns, IgnoreMatcher, parseDockerignore } from "../../../builder/dockerfile/index.ts";
import type { BuildError } from "../../../builder/errors.ts";
import { renderSourceFrame } from "../../../builder/source-frame.ts";

const suite = createSuite("dockerignore");

const compiled: readonly [line: string, rule: string][] = [
  ["foo", "exact foo"],
  ["/foo/", "exact foo"],
  ["./a/../b//c", "exact b/c"],
  ["a.b+c", "exact a.b+c"],
  ["foo/**", "prefix foo/"],
  ["**", "suffix "],
  ["**foo", "suffix foo"],
  ["**/foo", "regexp (?:[^\\n]*/)?foo"],
  ["*.log", "regexp [^/]*\\.log"],
  ["a?[b-d]", "regexp a[^/][b-d]"],
  ["[^a]", "regexp [^a]"],
  ["[!]-]", "regexp [\\x21]-\\]"],
  ["[]a]", "regexp [\\x5da]"],
  ["[a&&b]", "regexp [a\\x26\\x26b]"],
  ["\\*", "regexp \\*"],
  ["!  a*", "! regexp a[^/]*"],
];

for (const [line, expected] of compiled) {
  suite(`${line} compiles to ${expected}`, () => {
    const [rule] = parseDockerignore(line);
    assert.is(`${rule?.negated ? "! " : ""}${rule?.kind} ${rule?.text}`, expected);
  });
}

suite("a comment begins at column 1, a byte order mark and blank lines count for nothing", () => {
  const rules = parseDockerignore("\ufeff#a\n\n #b\r\n  \n");
  assert.equal(rules, [{ negated: false, kind: "exact", text: "#b" }]);
});

suite("a class crosses a separator only when it says so", () => {
  const matcher = new IgnoreMatcher(parseDockerignore("a[^b]c\n"));
  assert.equal([matcher.isIgnored("a/c"), matcher.isIgnored("abc")], [true, false]);
});

suite("wide characters are one character", () => {
  const matcher = new IgnoreMatcher(parseDockerignore("?.txt\n[😀-😎]\n"));
  assert.equal(
    ["😀.txt", "😃", "ab.txt"].map((path) => matcher.isIgnored(path)),
    [true, true, false],
  );
});

suite("--exclude has the same language", () => {
  assert.equal(
    compileIgnorePatterns(["*.o", "!keep.o", " "]).map(({ negated, text }) => [negated, text]),
    [
      [false, "[^/]*\\.o"],
      [true, "keep.o"],
    ],
  );
});

const invalid: readonly [text: string, report: string][] = [
  [
    "a\n  ! \n",
    ['illegal exclusion pattern: "!"', "  ┌─ app.dockerignore:2:3", "1 │ a", "2 │   !", "  │   ^"].join("\n"),
  ],
  [
    "[ab\n",
    ['invalid pattern "[ab": syntax error in pattern', "  ┌─ app.dockerignore:1:1", "1 │ [ab", "  │ ^^^"].join("\n"),
  ],
  [
    "a\\\n",
    ['invalid pattern "a\\\\": syntax error in pattern', "  ┌─ app.dockerignore:1:1", "1 │ a\\", "  │ ^^"].join("\n"),
  ],
  [
    "[z-a]",
    ['invalid pattern "[z-a]": syntax error in pattern', "  ┌─ app.dockerignore:1:1", "1 │ [z-a]", "  │ ^^^^^"].join(
      "\n",
    ),
  ],
];

for (const [text, report] of invalid) {
  suite(`${JSON.stringify(text)} is refused at its line`, () => {
    assert.throws(
      () => parseDockerignore(text, "app.dockerignore"),
      (error: BuildError) => {
        assert.ok(error.range && error.source);
        assert.is(error.code, "INVALID_DOCKERIGNORE");
        assert.fixture(`${error.message}\n${renderSourceFrame(error.source, error.range)}`, report);
        return true;
      },
    );
  });
}

suite.run();
