// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { failureOf, run, textAt } from "./harness.ts";

const test = suite("errors of parsing and dispatch");
const L2 = "dockerfile parse error on line 2: ";

/** What follows `FROM a` or is the whole file, the code, the message, the line and the text under the caret. */
const table: readonly (readonly [text: string, code: string, message: string, line: number, at: string])[] = [
  ...["ENV", "LABEL", "ARG", "EXPOSE", "VOLUME", "ONBUILD", "HEALTHCHECK", "SHELL"].map(
    (name) => [name, "INVALID_INSTRUCTION", `${L2}${name} requires at least one argument`, 2, name] as const,
  ),
  ...["WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER"].map(
    (name) => [name, "INVALID_INSTRUCTION", `${L2}${name} requires exactly one argument`, 2, name] as const,
  ),
  ...(["COPY", "ADD"] as const).flatMap((name) => {
    const message = `${L2}${name} requires at least two arguments, but only one was provided. Destination could not be determined`;
    return [
      [name, "INVALID_INSTRUCTION", message, 2, name],
      [`${name} x`, "INVALID_INSTRUCTION", message, 2, "x"],
      [`${name} ["x"]`, "INVALID_INSTRUCTION", message, 2, '"x"'],
      [`${name} x <<E\nE`, "INVALID_INSTRUCTION", `${L2}${name} cannot accept a heredoc as a destination`, 2, "<<E"],
    ] as const;
  }),
  ...["ENV", "LABEL", "ARG"].map(
    (name) => [`${name} =x`, "INVALID_INSTRUCTION", `${L2}${name} names can not be blank`, 2, "="] as const,
  ),
  ["LABEL a", "DOCKERFILE_PARSE_ERROR", "LABEL must have two arguments", 2, "a"],
  [
    "LABEL a=b c",
    "DOCKERFILE_PARSE_ERROR",
    'Syntax error - can\'t find = in "c". Must be of the form: name=value',
    2,
    "c",
  ],
  ["ONBUILD ENV a", "DOCKERFILE_PARSE_ERROR", "ENV must have two arguments", 2, "a"],
  ["FROM a AS", "INVALID_INSTRUCTION", `${L2}FROM requires either one or three arguments`, 2, "AS"],
  ["FROM a OR b", "INVALID_INSTRUCTION", `${L2}FROM requires either one or three arguments`, 2, "OR"],
  ["FROM a AS b c", "INVALID_INSTRUCTION", `${L2}FROM requires either one or three arguments`, 2, "c"],
  [
    "FROM a AS A+B",
    "INVALID_STAGE_NAME",
    `${L2}invalid name for build stage: "A+B", name can't start with a number or contain symbols`,
    2,
    "A+B",
  ],
  [
    "ONBUILD MAINTAINER x",
    "INVALID_INSTRUCTION",
    `${L2}MAINTAINER isn't allowed as an ONBUILD trigger`,
    2,
    "MAINTAINER",
  ],
  ["FROM --platfrom=x a", "UNKNOWN_FLAG", `${L2}unknown flag: --platfrom`, 2, "--platfrom"],
  ["CMD --x c", "UNKNOWN_FLAG", `${L2}unknown flag: --x`, 2, "--x"],
  ["COPY --from=a --from=b c d", "DUPLICATE_FLAG", `${L2}duplicate flag specified: --from`, 2, "--from=b"],
  ["FROM --platform a", "INVALID_FLAG", `${L2}missing a value on flag: --platform`, 2, "--platform"],
  ["ADD --link=1 a b", "INVALID_FLAG", `${L2}expecting boolean value for flag --link, not: 1`, 2, "1"],
  ["HEALTHCHECK --interval=x CMD y", "INVALID_FLAG", `${L2}time: invalid duration "x"`, 2, "x"],
  [
    "HEALTHCHECK --start-period=-1s CMD y",
    "INVALID_FLAG",
    `${L2}Interval "start-period" cannot be less than 1ms`,
    2,
    "-1s",
  ],
  ["HEALTHCHECK --retries=x CMD y", "INVALID_FLAG", `${L2}strconv.ParseInt: parsing "x": invalid syntax`, 2, "x"],
  ["HEALTHCHECK CMD []", "INVALID_INSTRUCTION", `${L2}Missing command after HEALTHCHECK CMD`, 2, "CMD"],
  ["RUN --security=x y", "INVALID_FLAG", `${L2}security "x" is not valid`, 2, "x"],
  ["VOLUME $x", "INVALID_VOLUME", "VOLUME specified can not be an empty string", 2, "$x"],
  ["FROM $x", "BLANK_BASE_NAME", "base name ($x) should not be blank", 2, "$x"],
  ["FROM --platform=$x a", "INVALID_PLATFORM", "empty platform value from expression $x", 2, "$x"],
  [
    "FROM --platform=a/b/c/d a",
    "INVALID_PLATFORM",
    'failed to parse platform a/b/c/d: "a/b/c/d": cannot parse platform specifier: invalid argument',
    2,
    "a/b/c/d",
  ],
  [
    "FROM UPPER",
    "INVALID_REFERENCE",
    'failed to parse stage name "UPPER": invalid reference format: repository name (library/UPPER) must be lowercase',
    2,
    "UPPER",
  ],
  ["FROM missing/x", "BASE_IMAGE_NOT_FOUND", "cannot resolve missing/x", 2, "missing/x"],
  [
    "COPY --from=$x a b",
    "UNSUPPORTED_EXPANSION",
    "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
    2,
    "$x",
  ],
  ["COPY --from=5 a b", "INVALID_STAGE_INDEX", "invalid stage index 5", 2, "5"],
  ["FROM b AS x\nCOPY --from=x a b", "CIRCULAR_STAGE", "circular dependency detected on stage: x", 3, "x"],
  [
    "COPY --from=last a b\nFROM c AS last\nCOPY --from=0 a b",
    "CIRCULAR_STAGE",
    "circular dependency detected on stage: stage-0",
    4,
    "0",
  ],
  ["ENV a=${", "EXPANSION_FAILED", "failed to process \"${\": syntax error: missing '}'", 2, "${"],
  ["WORKDIR ${x:?no x}", "EXPANSION_FAILED", 'failed to process "${x:?no x}": x: no x', 2, "${x:?no x}"],
  [
    "USER 'b",
    "EXPANSION_FAILED",
    'failed to process "\'b": unexpected end of statement while looking for matching single-quote',
    2,
    "'b",
  ],
  [
    "ARG a=${b:=c}",
    "EXPANSION_FAILED",
    'failed to process "${b:=c}": unsupported modifier (:=) in substitution',
    2,
    "${b:=c}",
  ],
  [
    "COPY <<-E /x\none\n\t$two ${t^}\nE",
    "EXPANSION_FAILED",
    'failed to process "one\\n$two ${t^}\\n": unsupported modifier (^) in substitution',
    4,
    "\t$two ${t^}",
  ],
];

for (const [text, code, message, line, at] of table) {
  test(JSON.stringify(text), async () => {
    const error = await failureOf(`FROM a\n${text}\n`);
    assert.equal([error.code, error.message, error.range?.start.line, textAt(error)], [code, message, line, at]);
  });
}

test("a Dockerfile of ARGs has no stage to build", async () => {
  const error = await failureOf("ARG x\n");
  assert.equal([error.code, error.message], ["NO_STAGES", "dockerfile contains no stages to build"]);
  assert.is(textAt(error), "ARG x");
});

test("a stage that another one copies from must stand above it", async () => {
  const error = await failureOf("FROM a AS one\nCOPY --from=two x y\nFROM b AS two\n", { target: "one" });
  assert.is(error.message, 'cannot copy from stage "two", it needs to be defined before current stage "one"');
  assert.is(textAt(error), "two");
});

test("a target that is none: its name, and the one that was perhaps meant", async () => {
  const error = await failureOf("FROM a AS build\n", { target: "biuld" });
  assert.is(error.message, 'target stage "biuld" could not be found (did you mean build?)');
  assert.ok(error.range);
});

test("an unknown target is told before what is wrong with what a stage reads", async () => {
  const error = await failureOf("FROM a AS build\nCOPY --from=9 b c\n", { target: "biuld" });
  assert.is(error.code, "UNKNOWN_STAGE");
});

test("an error in a trigger of the base stands at the FROM that runs it", async () => {
  const error = await failureOf("FROM a AS base\nONBUILD EXPOSE x\nFROM base\n");
  assert.equal([error.code, error.message, error.range?.start.line], ["INVALID_PORT", "invalid containerPort: x", 3]);
  const unknown = await failureOf("FROM a AS base\nONBUILD RUM x\nFROM base\n");
  assert.is(unknown.message, "unknown instruction: RUM (did you mean RUN?)");
  assert.is(unknown.code, "UNKNOWN_INSTRUCTION");
  assert.is(unknown.hint, 'it is the trigger "RUM x" that ONBUILD of the base left');
});

test("a stage may be FROM one that reads it, as long as neither is built", async () => {
  const text = "FROM a AS one\nCOPY --from=two x y\nFROM one AS two\n";
  assert.is((await run(`${text}FROM b\n`)).targetStage, 2);
  const error = await failureOf(text);
  assert.is(error.message, 'cannot copy from stage "two", it needs to be defined before current stage "one"');
  assert.is(textAt(error), "two");
});

test("a circle of stages is named after the first stage that leads to it, and shown where it closes", async () => {
  const stages = ["FROM a AS lead", "COPY --from=x q r", "FROM a AS x", "COPY --from=y q r", "FROM a AS y"];
  const error = await failureOf(`${stages.join("\n")}\nCOPY --from=x q r\n`);
  assert.is(error.message, "circular dependency detected on stage: lead");
  assert.equal([textAt(error), error.range?.start.line], ["x", 6]);
});

test("a heredoc whose name can be no file is refused at its instruction", async () => {
  for (const name of [".", "..", "a/b", "/"]) {
    const error = await failureOf(`FROM a\nCOPY <<${name} /x/\ny\n${name}\n`);
    assert.equal([error.code, error.range?.start.line], ["INVALID_HEREDOC", 2]);
    assert.is(error.message, `the heredoc "${name}" cannot be a file`);
  }
});

test("a name that can be no image is refused in stages that are not built, too", async () => {
  const from = await failureOf("FROM a:b:c AS unused\nFROM a\n");
  assert.is(from.message, 'failed to parse stage name "a:b:c": invalid reference format');
  assert.is(textAt(from), "a:b:c");
  const copy = await failureOf("FROM a AS unused\nCOPY --from=y/X b c\nFROM a\n");
  assert.match(copy.message, 'failed to parse stage name "y/X": invalid reference format');
});

test("a platform that a slip of the pen leaves empty: the argument that was perhaps meant", async () => {
  const empty = await failureOf("FROM --platform=$BULDPLATFORM a\n");
  assert.is(empty.message, "empty platform value from expression $BULDPLATFORM");
  assert.is(empty.hint, "did you mean BUILDPLATFORM?");
  assert.is((await failureOf("FROM --platform=linux/$TARGETARHC a\n")).hint, "did you mean TARGETARCH?");
});

test("substitutions are nested to a depth, and no deeper", async () => {
  const nested = (depth: number) => `FROM a\nENV x=${"${a:-".repeat(depth)}b${"}".repeat(depth)}\n`;
  assert.match((await failureOf(nested(300))).message, "more than 256 nested substitutions");
  assert.match((await failureOf(nested(10_000))).message, "more than 256 nested substitutions");
});

test("what a long word was is shown in part", async () => {
  const error = await failureOf(`FROM a\nENV x=${"y".repeat(60_000)}\${\n`);
  assert.ok(error.message.length < 1_000);
});

test.run();
