import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { parseDockerfile } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { renderSourceFrame } from "../../../builder/source-frame.ts";

const suite = createSuite("dockerfile errors");

const cases: readonly { readonly name: string; readonly text: string; readonly report: readonly string[] }[] = [
  {
    name: "an unknown instruction",
    text: "FROM a\nRUNN x\n",
    report: [
      "error: dockerfile parse error on line 2: unknown instruction: RUNN  [UNKNOWN_INSTRUCTION]",
      "  ┌─ Dockerfile:2:1",
      "1 │ FROM a",
      "2 │ RUNN x",
      "  │ ^^^^",
      "hint: did you mean RUN?",
    ],
  },
  {
    name: "an unknown instruction in lower case is answered in lower case",
    text: "from a\nrunn x\n",
    report: [
      "error: dockerfile parse error on line 2: unknown instruction: runn  [UNKNOWN_INSTRUCTION]",
      "  ┌─ Dockerfile:2:1",
      "1 │ from a",
      "2 │ runn x",
      "  │ ^^^^",
      "hint: did you mean run?",
    ],
  },
  {
    name: "an unknown instruction that resembles none",
    text: "FROM a\nBUILD x\n",
    report: [
      "error: dockerfile parse error on line 2: unknown instruction: BUILD  [UNKNOWN_INSTRUCTION]",
      "  ┌─ Dockerfile:2:1",
      "1 │ FROM a",
      "2 │ BUILD x",
      "  │ ^^^^^",
      "hint: did you mean ONBUILD?",
    ],
  },
  {
    name: "an unknown flag: the name alone",
    text: "FROM a\nCOPY --form=x a b\n",
    report: [
      "error: dockerfile parse error on line 2: unknown flag: --form  [UNKNOWN_FLAG]",
      "  ┌─ Dockerfile:2:6",
      "1 │ FROM a",
      "2 │ COPY --form=x a b",
      "  │      ^^^^^^",
      "hint: did you mean --from?",
    ],
  },
  {
    name: "a flag that only an object would have",
    text: "FROM a\nCOPY --constructor=x a b\n",
    report: [
      "error: dockerfile parse error on line 2: unknown flag: --constructor  [UNKNOWN_FLAG]",
      "  ┌─ Dockerfile:2:6",
      "1 │ FROM a",
      "2 │ COPY --constructor=x a b",
      "  │      ^^^^^^^^^^^^^",
    ],
  },
  {
    name: "a boolean flag with another value: the value alone",
    text: "FROM a\nCOPY --link=maybe a b\n",
    report: [
      "error: dockerfile parse error on line 2: expecting boolean value for flag --link, not: maybe  [INVALID_FLAG]",
      "  ┌─ Dockerfile:2:13",
      "1 │ FROM a",
      "2 │ COPY --link=maybe a b",
      "  │             ^^^^^",
      "hint: write true or false",
    ],
  },
  {
    name: "a flag given twice: the second",
    text: "FROM a\nRUN --network=none --network=host x\n",
    report: [
      "error: dockerfile parse error on line 2: duplicate flag specified: --network  [DUPLICATE_FLAG]",
      "  ┌─ Dockerfile:2:20",
      "1 │ FROM a",
      "2 │ RUN --network=none --network=host x",
      "  │                    ^^^^^^^^^^^^^^",
    ],
  },
  {
    name: "a flag without its value, on a continued line",
    text: "FROM a\nCOPY \\\n  --from a b \\\n  c\n",
    report: [
      "error: dockerfile parse error on line 2: missing a value on flag: --from  [INVALID_FLAG]",
      "  ┌─ Dockerfile:3:3",
      "2 │ COPY \\",
      "3 │   --from a b \\",
      "  │   ^^^^^^",
      "4 │   c",
      "hint: write --from=VALUE",
    ],
  },
  {
    name: "a flag with an empty value",
    text: "FROM a\nADD --unpack= a b\n",
    report: [
      "error: dockerfile parse error on line 2: missing a value on flag: --unpack  [INVALID_FLAG]",
      "  ┌─ Dockerfile:2:5",
      "1 │ FROM a",
      "2 │ ADD --unpack= a b",
      "  │     ^^^^^^^^^",
      "hint: write --unpack",
    ],
  },
  {
    name: "a flag under another escape token",
    text: "# escape=`\nFROM a\nCOPY `\n --lnk a b\n",
    report: [
      "error: dockerfile parse error on line 3: unknown flag: --lnk  [UNKNOWN_FLAG]",
      "  ┌─ Dockerfile:4:2",
      "3 │ COPY `",
      "4 │  --lnk a b",
      "  │  ^^^^^",
      "hint: did you mean --link?",
    ],
  },
  {
    name: "FROM with two words: the surplus",
    text: "FROM a b\n",
    report: [
      "error: dockerfile parse error on line 1: FROM requires either one or three arguments  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:1:8",
      "1 │ FROM a b",
      "  │        ^",
      "hint: write FROM IMAGE or FROM IMAGE AS NAME",
    ],
  },
  {
    name: "FROM alone",
    text: "FROM\n",
    report: [
      "error: dockerfile parse error on line 1: FROM requires either one or three arguments  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:1:1",
      "1 │ FROM",
      "  │ ^^^^",
      "hint: write FROM IMAGE or FROM IMAGE AS NAME",
    ],
  },
  {
    name: "a stage name that begins with a digit",
    text: "FROM a AS 1x\n",
    report: [
      'error: dockerfile parse error on line 1: invalid name for build stage: "1x", name can\'t start with a number or contain symbols  [INVALID_STAGE_NAME]',
      "  ┌─ Dockerfile:1:11",
      "1 │ FROM a AS 1x",
      "  │           ^^",
    ],
  },
  {
    name: "ENV without a value",
    text: "FROM a\nENV a\n",
    report: [
      "error: ENV must have two arguments  [DOCKERFILE_PARSE_ERROR]",
      "  ┌─ Dockerfile:2:5",
      "1 │ FROM a",
      "2 │ ENV a",
      "  │     ^",
      "hint: write ENV a=VALUE",
    ],
  },
  {
    name: "a pair without =",
    text: "FROM a\nENV a=b c d=e\n",
    report: [
      'error: Syntax error - can\'t find = in "c". Must be of the form: name=value  [DOCKERFILE_PARSE_ERROR]',
      "  ┌─ Dockerfile:2:9",
      "1 │ FROM a",
      "2 │ ENV a=b c d=e",
      "  │         ^",
    ],
  },
  {
    name: "a JSON array of other things than strings",
    text: 'FROM a\nCMD ["a", 1]\n',
    report: [
      "error: when using JSON array syntax, arrays must be comprised of strings only  [DOCKERFILE_PARSE_ERROR]",
      "  ┌─ Dockerfile:2:5",
      "1 │ FROM a",
      '2 │ CMD ["a", 1]',
      "  │     ^^^^^^^^",
      "hint: quote every element",
    ],
  },
  {
    name: "COPY without a destination",
    text: "FROM a\nCOPY x\n",
    report: [
      "error: dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:6",
      "1 │ FROM a",
      "2 │ COPY x",
      "  │      ^",
    ],
  },
  {
    name: "COPY without anything",
    text: "FROM a\nCOPY\n",
    report: [
      "error: dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:1",
      "1 │ FROM a",
      "2 │ COPY",
      "  │ ^^^^",
    ],
  },
  {
    name: "a heredoc as the destination",
    text: "FROM a\nCOPY a \\\n  <<EOF\nhi\nEOF\n",
    report: [
      "error: dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:3:3",
      "2 │ COPY a \\",
      "3 │   <<EOF",
      "  │   ^^^^^",
      "4 │ hi",
    ],
  },
  {
    name: "a heredoc without its end",
    text: "FROM a\nRUN cat <<EOF && \\\n  x\nhi\n",
    report: [
      "error: unterminated heredoc  [UNTERMINATED_HEREDOC]",
      "  ┌─ Dockerfile:2:9",
      "1 │ FROM a",
      "2 │ RUN cat <<EOF && \\",
      "  │         ^^^^^",
      "3 │   x",
      "hint: end it with a line that says EOF and nothing else",
    ],
  },
  {
    name: "an escape token that is none",
    text: "# escape=x\nFROM a\n",
    report: [
      "error: invalid escape token 'x' does not match ` or \\  [INVALID_ESCAPE]",
      "  ┌─ Dockerfile:1:10",
      "1 │ # escape=x",
      "  │          ^",
      "2 │ FROM a",
      "hint: write # escape=` or # escape=\\",
    ],
  },
  {
    name: "a directive given twice",
    text: "# escape=`\n# escape=`\nFROM a\n",
    report: [
      "error: only one escape parser directive can be used  [DUPLICATE_DIRECTIVE]",
      "  ┌─ Dockerfile:2:1",
      "1 │ # escape=`",
      "2 │ # escape=`",
      "  │ ^^^^^^^^^^",
      "3 │ FROM a",
      "hint: remove this line",
    ],
  },
  {
    name: "a duration without a unit",
    text: "FROM a\nHEALTHCHECK --interval=1 CMD x\n",
    report: [
      'error: dockerfile parse error on line 2: time: missing unit in duration "1"  [INVALID_FLAG]',
      "  ┌─ Dockerfile:2:24",
      "1 │ FROM a",
      "2 │ HEALTHCHECK --interval=1 CMD x",
      "  │                        ^",
      "hint: write it as 30s, 1m30s or 500ms",
    ],
  },
  {
    name: "a duration whose unit is none",
    text: "FROM a\nHEALTHCHECK --timeout=1constructor CMD x\n",
    report: [
      'error: dockerfile parse error on line 2: time: unknown unit "constructor" in duration "1constructor"  [INVALID_FLAG]',
      "  ┌─ Dockerfile:2:23",
      "1 │ FROM a",
      "2 │ HEALTHCHECK --timeout=1constructor CMD x",
      "  │                       ^^^^^^^^^^^^",
      "hint: write it as 30s, 1m30s or 500ms",
    ],
  },
  {
    name: "a duration that is too short",
    text: "FROM a\nHEALTHCHECK --interval=1us CMD x\n",
    report: [
      'error: dockerfile parse error on line 2: Interval "interval" cannot be less than 1ms  [INVALID_FLAG]',
      "  ┌─ Dockerfile:2:24",
      "1 │ FROM a",
      "2 │ HEALTHCHECK --interval=1us CMD x",
      "  │                        ^^^",
    ],
  },
  {
    name: "retries below zero",
    text: "FROM a\nHEALTHCHECK --retries=-1 CMD x\n",
    report: [
      "error: dockerfile parse error on line 2: --retries cannot be negative (-1)  [INVALID_FLAG]",
      "  ┌─ Dockerfile:2:23",
      "1 │ FROM a",
      "2 │ HEALTHCHECK --retries=-1 CMD x",
      "  │                       ^^",
    ],
  },
  {
    name: "HEALTHCHECK NONE with arguments",
    text: "FROM a\nHEALTHCHECK NONE x\n",
    report: [
      "error: dockerfile parse error on line 2: HEALTHCHECK NONE takes no arguments  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:18",
      "1 │ FROM a",
      "2 │ HEALTHCHECK NONE x",
      "  │                  ^",
    ],
  },
  {
    name: "HEALTHCHECK CMD without a command",
    text: "FROM a\nHEALTHCHECK CMD\n",
    report: [
      "error: dockerfile parse error on line 2: Missing command after HEALTHCHECK CMD  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:13",
      "1 │ FROM a",
      "2 │ HEALTHCHECK CMD",
      "  │             ^^^",
    ],
  },
  {
    name: "HEALTHCHECK of another type",
    text: "FROM a\nHEALTHCHECK CONNECT TCP\n",
    report: [
      'error: dockerfile parse error on line 2: Unknown type "CONNECT" in HEALTHCHECK (try CMD)  [INVALID_INSTRUCTION]',
      "  ┌─ Dockerfile:2:13",
      "1 │ FROM a",
      "2 │ HEALTHCHECK CONNECT TCP",
      "  │             ^^^^^^^",
    ],
  },
  {
    name: "SHELL in shell form",
    text: "FROM a\nSHELL /bin/sh -c\n",
    report: [
      "error: dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:7",
      "1 │ FROM a",
      "2 │ SHELL /bin/sh -c",
      "  │       ^^^^^^^",
      'hint: write SHELL ["executable", "parameter"]',
    ],
  },
  {
    name: "a blank volume",
    text: 'FROM a\nVOLUME ["a", " "]\n',
    report: [
      "error: dockerfile parse error on line 2: VOLUME specified can not be an empty string  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:14",
      "1 │ FROM a",
      '2 │ VOLUME ["a", " "]',
      "  │              ^^^",
    ],
  },
  {
    name: "ARG without a name",
    text: "FROM a\nARG =x\n",
    report: [
      "error: dockerfile parse error on line 2: ARG names can not be blank  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:5",
      "1 │ FROM a",
      "2 │ ARG =x",
      "  │     ^",
    ],
  },
  {
    name: "USER without an argument",
    text: "FROM a\nUSER\n",
    report: [
      "error: dockerfile parse error on line 2: USER requires exactly one argument  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:1",
      "1 │ FROM a",
      "2 │ USER",
      "  │ ^^^^",
    ],
  },
  {
    name: "FROM as a trigger",
    text: "FROM a\nONBUILD FROM x\n",
    report: [
      "error: dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:9",
      "1 │ FROM a",
      "2 │ ONBUILD FROM x",
      "  │         ^^^^",
    ],
  },
  {
    name: "ONBUILD as a trigger",
    text: "FROM a\nONBUILD ONBUILD RUN x\n",
    report: [
      "error: dockerfile parse error on line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed  [INVALID_INSTRUCTION]",
      "  ┌─ Dockerfile:2:9",
      "1 │ FROM a",
      "2 │ ONBUILD ONBUILD RUN x",
      "  │         ^^^^^^^",
    ],
  },
  {
    name: "an instruction before FROM",
    text: "RUN x\nFROM a\n",
    report: [
      "error: no build stage in current context  [NO_STAGE]",
      "  ┌─ Dockerfile:1:1",
      "1 │ RUN x",
      "  │ ^^^",
      "2 │ FROM a",
      "hint: put a FROM above RUN; only ARG may come first",
    ],
  },
  {
    name: "an empty file",
    text: "",
    report: [
      "error: the Dockerfile cannot be empty  [DOCKERFILE_EMPTY]",
      "  ┌─ Dockerfile:1:1",
      "1 │",
      "  │ ^",
      "hint: a Dockerfile begins with FROM",
    ],
  },
  {
    name: "a file of comments",
    text: "# c\n",
    report: [
      "error: file with no instructions  [DOCKERFILE_EMPTY]",
      "  ┌─ Dockerfile:1:1",
      "1 │ # c",
      "  │ ^",
      "hint: a Dockerfile begins with FROM",
    ],
  },
  {
    name: "a variable in --mount=from: the option alone",
    text: "FROM a\nRUN --mount=type=bind,from=$S,target=/x y\n",
    report: [
      "error: dockerfile parse error on line 2: 'from' doesn't support variable expansion, define alias stage instead  [INVALID_FLAG]",
      "  ┌─ Dockerfile:2:23",
      "1 │ FROM a",
      "2 │ RUN --mount=type=bind,from=$S,target=/x y",
      "  │                       ^^^^^^^",
      "hint: name the stage or image in a FROM … AS and use that name",
    ],
  },
  {
    name: "a network mode that is none",
    text: "FROM a\nRUN --network=foo x\n",
    report: [
      'error: dockerfile parse error on line 2: invalid network mode "foo"  [INVALID_FLAG]',
      "  ┌─ Dockerfile:2:15",
      "1 │ FROM a",
      "2 │ RUN --network=foo x",
      "  │               ^^^",
      "hint: write default, none or host",
    ],
  },
  {
    name: "a line that is too long",
    text: `FROM a\nRUN ${"x".repeat(65_532)}\n`,
    report: [
      "error: dockerfile line greater than max allowed size of 65535  [LINE_TOO_LONG]",
      "  ┌─ Dockerfile:2:1",
      "1 │ FROM a",
      "2 │ RUN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
      "  │ ^",
      "hint: split the line with continuations or move its text into a file",
    ],
  },
  {
    name: "a syntax error below an error of meaning comes first",
    text: "FRM a\nFROM a\nENV x\n",
    report: [
      "error: ENV must have two arguments  [DOCKERFILE_PARSE_ERROR]",
      "  ┌─ Dockerfile:3:5",
      "2 │ FROM a",
      "3 │ ENV x",
      "  │     ^",
      "hint: write ENV x=VALUE",
    ],
  },
];

for (const { name, text, report } of cases) {
  suite(name, () => assert.fixture(reportOf(text), report.join("\n")));
}

function reportOf(text: string): string {
  try {
    parseDockerfile(text);
  } catch (error) {
    assert.instance(error, BuildError);
    const { code, message, hint, range, source } = error as BuildError;
    const frame = range && source ? [renderSourceFrame(source, range)] : [];
    return [`error: ${message}  [${code}]`, ...frame, ...(hint ? [`hint: ${hint}`] : [])].join("\n");
  }
  return "no error";
}

suite.run();
