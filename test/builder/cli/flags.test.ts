import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BUILD_FLAGS } from "../../../builder/cli/build-flags.ts";
import { checkSupport, parseFlags } from "../../../builder/cli/flags.ts";
import { buildHelp, runHelp } from "../../../builder/cli/help.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";

const test = suite("flags");

function parse(line: string) {
  return parseFlags(line.split(" "), BUILD_FLAGS);
}

function usageError(run: () => unknown): UsageError {
  try {
    run();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error("no error");
}

const lists: readonly (readonly [line: string, flag: string, values: readonly string[]])[] = [
  ["-t a -t b .", "tag", ["a", "b"]],
  ["-ta .", "tag", ["a"]],
  ["-t=a .", "tag", ["a"]],
  ["--tag=a=b .", "tag", ["a=b"]],
  ["-qt a .", "tag", ["a"]],
  ["-qt a .", "quiet", ["true"]],
  ["-qta .", "tag", ["a"]],
  ["-q=false .", "quiet", ["false"]],
  ["--no-cache .", "no-cache", ["true"]],
  ["--no-cache=false .", "no-cache", ["false"]],
  ["--pull=0 .", "pull", ["false"]],
  [". --push", "push", ["true"]],
  ["--build-arg -x .", "build-arg", ["-x"]],
  ["--build-arg A=1 . --build-arg=B", "build-arg", ["A=1", "B"]],
  ["-- --push", "push", []],
];

for (const [line, flag, values] of lists) {
  test(`${line} gives ${flag} ${JSON.stringify(values)}`, () => {
    assert.equal(parse(line).list(flag), values);
  });
}

test("positionals stand anywhere, and after -- nothing is a flag", () => {
  assert.equal(parse("a -t x b -- --push").positionals, ["a", "b", "--push"]);
  assert.equal(parse("-t x -").positionals, ["-"]);
});

test("the last value of a flag that is given twice counts", () => {
  assert.is(parse("--target a --target b .").text("target"), "b");
  assert.is(parse("--push --push=false .").isSet("push"), false);
});

const errors: readonly (readonly [line: string, code: string, message: string, hint?: string])[] = [
  ["--tga x .", "UNKNOWN_FLAG", "unknown flag: --tga", "did you mean --tag?"],
  ["--no-such-flag .", "UNKNOWN_FLAG", "unknown flag: --no-such-flag", "see tsbuild build --help"],
  ["-x .", "UNKNOWN_FLAG", "unknown flag: -x"],
  ["-qx .", "UNKNOWN_FLAG", "unknown flag: -x"],
  ["-t", "MISSING_VALUE", "flag needs an argument: --tag", "--tag NAME[:TAG]"],
  ["--pull=maybe .", "INVALID_VALUE", 'invalid value "maybe" for --pull: it is true or false'],
];

for (const [line, code, message, hint] of errors) {
  test(`${line} is ${code}`, () => {
    const error = usageError(() => parse(line));
    assert.is(error.code, code);
    assert.is(error.message, message);
    if (hint !== undefined) assert.is(error.hint, hint);
  });
}

test("docker's flags without a meaning are accepted, and named", () => {
  const parsed = parse("--rm --force-rm=true --compress --builder x .");
  assert.equal(checkSupport(parsed, BUILD_FLAGS), ["--rm", "--force-rm", "--compress", "--builder"]);
});

for (const line of [
  "--squash",
  "--load",
  "--cache-from x",
  "--cache-to type=inline",
  "--cgroup-parent x",
  "--provenance=true",
  "--sbom true",
]) {
  test(`${line} is refused by name, with a way out`, () => {
    const error = usageError(() => checkSupport(parse(`${line} .`), BUILD_FLAGS));
    assert.is(error.code, "UNSUPPORTED_FLAG");
    assert.match(error.message, `${line.split(/[ =]/)[0]} is not supported yet`);
    assert.ok(error.hint);
  });
}

for (const line of ["--squash=false", "--provenance=false", "--sbom=false", "--load=false"]) {
  test(`${line} asks for nothing and is accepted`, () => {
    assert.equal(checkSupport(parse(`${line} .`), BUILD_FLAGS), []);
  });
}

test("help shows every flag that works on a line of its own, and names the rest", () => {
  const help = buildHelp();
  for (const { name, support } of BUILD_FLAGS) {
    const pattern =
      support === undefined ? new RegExp(`^ {2}(-\\w, | {4})--${name}( \\S+)? {2,}\\S`, "m") : `--${name}`;
    assert.match(help, pattern);
  }
  assert.match(help, "tsbuild build -t app .");
  assert.ok(help.split("\n").every((line) => line.length <= 120));
});

test("help has the flags of RUN, and its limits, below headings of their own", () => {
  const headings = (help: string) => help.match(/^[A-Z][\w ]+:$/gm);
  assert.equal(headings(buildHelp()), ["Options:", "What a RUN has:", "Limits of a RUN:", "Examples:"]);
  assert.equal(headings(runHelp()), ["Options:", "What the command has:", "Limits of the command:", "Examples:"]);
  assert.match(buildHelp(), /^Limits of a RUN:\n {2}-m, --memory /m);
});

test("no two flags share a name or a letter", () => {
  const names = BUILD_FLAGS.flatMap(({ name, short }) => (short === undefined ? [name] : [name, `-${short}`]));
  assert.is(new Set(names).size, names.length);
});

test.run();
