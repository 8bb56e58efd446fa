// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the words under test
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { type ExpandOptions, expandWord, expandWords, quote } from "../../../builder/dockerfile/index.ts";
import type { BuildError } from "../../../builder/errors.ts";

const suite = createSuite("word expansion");

const environment = new Map([
  ["path", "a/b/c.tar.gz"],
  ["empty", ""],
  ["lines", "one\ntwo"],
  ["star", "a*b*c"],
]);

const words: readonly [name: string, word: string, expected: string, options?: ExpandOptions][] = [
  ["the shortest prefix", "${path#*/}", "b/c.tar.gz"],
  ["the longest prefix", "${path##*/}", "c.tar.gz"],
  ["the shortest suffix", "${path%.*}", "a/b/c.tar"],
  ["the longest suffix", "${path%%.*}", "a/b/c"],
  ["a pattern that does not match", "${path#x}", "a/b/c.tar.gz"],
  ["an escaped star is a star", "${star%\\**}", "a*b"],
  ["the first match", "${path/b/X}", "a/X/c.tar.gz"],
  ["every match", "${path//[.]/X}", "a/b/c.tar.gz"],
  ["every match of ?", "${path//?.?/X}", "a/b/XaXz"],
  ["an escaped slash in a pattern", "${path//\\//_}", "a_b_c.tar.gz"],
  ["an empty pattern matches between all characters", "${star///-}", "-a-*-b-*-c-"],
  ["a star takes all of a line, and no line end", "${lines//*/x}", "x\nx"],
  ["in // a replacement is a template whose groups are empty", "${path//a/'<$1$0$$>'}", "<a$>/b/c.t<a$>r.gz"],
  ["in / it is not", "${path/a/'<$1>'}", "<$1>/b/c.tar.gz"],
  ["a default inside a default", "${x:-${y-${path%%/*}}}", "a"],
  ["a null variable is set", "${empty-x}${empty:-y}${empty+z}", "yz"],
  ["another escape token", "a`$path \\n", "a$path \\n", { escape: "`" }],
  ["quotes kept", "'a' \"$path\"", "'a' \"a/b/c.tar.gz\"", { rawQuotes: true }],
  ["escapes kept", 'a\\b\\"', 'a\\b\\"', { rawEscapes: true }],
  [
    "variables that are not set kept",
    "$x ${x} ${x:-y} ${x#p} ${x/p/r}",
    "$x ${x} ${x:-y} ${x#p} ${x/p/r}",
    { skipUnsetEnv: true },
  ],
  ["quotes as text", 'it\'s "$path"', 'it\'s "a/b/c.tar.gz"', { skipProcessQuotes: true }],
  ["letters of any script make a name", "$ñx!", "!"],
];

for (const [name, word, expected, options] of words) {
  suite(name, () => assert.is(expandWord(word, environment, options).word, expected));
}

const failures: readonly [word: string, message: string][] = [
  ["${path", "syntax error: missing '}'"],
  ["${path#a", "syntax error: missing '}'"],
  ["${path/a}", "syntax error: missing '/' in ${}"],
  ["${path/a/b", "syntax error: missing '}'"],
  ["${path:#a}", "unsupported modifier (:#) in substitution"],
  ["${path!}", "unsupported modifier (!) in substitution"],
  ["${path#\\a}", "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
  ["${x?}", "x: is not allowed to be unset"],
  ["${empty:?}", "empty: is not allowed to be empty"],
  ["${x?set x first}", "x: set x first"],
  ["'a", "unexpected end of statement while looking for matching single-quote"],
  ['"a', "unexpected end of statement while looking for matching double-quote"],
];

for (const [word, message] of failures) {
  suite(`${word}: ${message}`, () => {
    assert.throws(
      () => expandWord(word, environment),
      (error: BuildError) =>
        error.code === "EXPANSION_FAILED" && error.message === `failed to process ${quote(word)}: ${message}`,
    );
  });
}

suite("a value is split, a quoted one is not", () => {
  const ports = new Map([["ports", " 80 81/udp "]]);
  assert.equal(expandWords('$ports "$ports"', ports).words, ["80", "81/udp", " 80 81/udp "]);
});

const lines: readonly [line: string, words: readonly string[]][] = [
  ["a  b\tc", ["a", "b", "c"]],
  ["'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]],
  ["a'b c'd", ["ab cd"]],
  ["$none", []],
  ["''", []],
  ["x${none}y$path", ["xya/b/c.tar.gz"]],
  ["${none:-a b} c", ["a", "b", "c"]],
  ['"${none:-a b}" c', ["a b", "c"]],
  ["\\$path \\\\", ["$path", "\\"]],
];

for (const [line, expected] of lines) {
  suite(`the words of ${line}`, () => assert.equal(expandWords(line, environment).words, expected));
}

const names: readonly [word: string, set: readonly string[], unset: readonly string[]][] = [
  ["$path $x ${y}", ["path"], ["x", "y"]],
  ["'$path' \\$x", [], []],
  ["${x:-$path}", ["path"], ["x"]],
  ["${path:-$x}", ["path"], ["x"]],
  ["${empty:+$x}", ["empty"], ["x"]],
  ["${path#$x}${path/$y/$empty}", ["path", "empty"], ["x", "y"]],
];

for (const [word, set, unset] of names) {
  suite(`the names in ${word}`, () => {
    const { matched, unmatched } = expandWord(word, environment);
    assert.equal([[...matched].sort(), [...unmatched].sort()], [[...set].sort(), [...unset].sort()]);
  });
}

suite("text before a default stays in the word", () => {
  assert.equal(expandWords("80${U-80}", new Map()).words, ["8080"]);
});

suite("the error stands at the word", () => {
  const range = { file: "Dockerfile", start: { line: 2, column: 6 }, end: { line: 2, column: 9 } };
  const source = { file: "Dockerfile", text: "FROM a\nUSER ${}\n" };
  assert.throws(
    () => expandWord("${}", environment, { range, source }),
    (error: BuildError) => error.range === range && error.source === source,
  );
});

suite("a pattern of many stars comes to an end", () => {
  const value = "a".repeat(20_000);
  for (const pattern of ["*a".repeat(20), "a*".repeat(20), "?*".repeat(20)]) {
    expandWord(`\${v//${pattern}b/x}\${v##${pattern}b}\${v%%${pattern}b}`, new Map([["v", value]]));
  }
});

suite("nesting has an end", () => {
  assert.throws(() => expandWord("${a:-".repeat(5_000), environment), /more than 256 nested|missing '}'/);
});

suite("values that double do not fill the memory", () => {
  const doubling = (): void => {
    let value = "a";
    for (let round = 0; round < 40; round++) value = expandWord("$v$v", new Map([["v", value]])).word;
  };
  assert.throws(doubling, /expands to more than 16 MiB/);
});

suite.run();
