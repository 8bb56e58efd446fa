import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { readInstructions } from "../../../builder/dockerfile/parse.ts";
import { dump, segments } from "../../conformance/s-expression.ts";

const suite = createSuite("how instructions are cut");

/** The instructions below the first FROM as S-expressions, and the lines of all. */
const table: readonly (readonly [name: string, text: string, dump: string, segments: string])[] = [
  [
    "blanks between words are kept, at the ends not",
    "FROM a\nRUN  echo   two  blanks  \n",
    '(run "echo   two  blanks")',
    "FROM@1-1 RUN@2-2",
  ],
  [
    "continuations are joined as they are",
    "FROM a\nRUN echo a \\\n  b \\  \n\tc\n",
    '(run "echo a   b \\tc")',
    "FROM@1-1 RUN@2-4",
  ],
  [
    "comments inside a continuation are dropped",
    "FROM a\nRUN echo a \\\n# gone\n  # gone, too\n  b\n",
    '(run "echo a   b")',
    "FROM@1-1 RUN@2-5",
  ],
  [
    "an escaped escape token continues nothing",
    "FROM a\nRUN echo a\\\\\nRUN b\n",
    '(run "echo a\\\\\\\\")\n(run "b")',
    "FROM@1-1 RUN@2-2 RUN@3-3",
  ],
  ["blank lines inside a continuation are dropped", "FROM a\nRUN a \\\n\n\n b\n", '(run "a  b")', "FROM@1-1 RUN@2-5"],
  ["a # behind a word is text", "FROM a\nRUN a # no comment\n", '(run "a # no comment")', "FROM@1-1 RUN@2-2"],
  ["keywords in any case", "FROM a\n  run lower\n", '(run "lower")', "FROM@1-1 run@2-2"],
  ["the exec form", 'FROM a\nRUN ["a b", "c\\"d", "\\u0065"]\n', '(run "a b" "c\\"d" "e")', "FROM@1-1 RUN@2-2"],
  ["single quotes make no exec form", "FROM a\nRUN ['a', 'b']\n", "(run \"['a', 'b']\")", "FROM@1-1 RUN@2-2"],
  ["nor does text behind it", 'FROM a\nRUN ["a"] b\n', '(run "[\\"a\\"] b")', "FROM@1-1 RUN@2-2"],
  ["an empty exec form", "FROM a\nCMD [ ]\n", "(cmd)", "FROM@1-1 CMD@2-2"],
  ["nothing at all", "FROM a\nENTRYPOINT\n", "(entrypoint)", "FROM@1-1 ENTRYPOINT@2-2"],
  [
    "flags of COPY lose their quotes",
    'FROM a\nCOPY --from=b --chown="c d" e f /g/\n',
    '(copy ["--from=b" "--chown=c d"] "e" "f" "/g/")',
    "FROM@1-1 COPY@2-2",
  ],
  ["a lone -- ends the flags", "FROM a\nCOPY -- --a b\n", '(copy "--a" "b")', "FROM@1-1 COPY@2-2"],
  ["COPY in exec form", 'FROM a\nCOPY ["a b", "c"]\n', '(copy "a b" "c")', "FROM@1-1 COPY@2-2"],
  ["COPY knows no quotes", 'FROM a\nCOPY "a b" c\n', '(copy "\\"a" "b\\"" "c")', "FROM@1-1 COPY@2-2"],
  ["a tab parts words", "FROM a\nADD a\tb\n", '(add "a" "b")', "FROM@1-1 ADD@2-2"],
  [
    "ENV pairs: quotes and escaped blanks",
    "FROM a\nENV a=b c=\"d e\" f='g h' i=j\\ k\n",
    '(env "a" "b" "=" "c" "\\"d e\\"" "=" "f" "\'g h\'" "=" "i" "j\\\\ k" "=")',
    "FROM@1-1 ENV@2-2",
  ],
  ["the old form of ENV", "FROM a\nENV a  b  c\n", '(env "a" "b  c" "")', "FROM@1-1 ENV@2-2"],
  ["ENV pairs over two lines", "FROM a\nENV a=b \\\n  c=d\n", '(env "a" "b" "=" "c" "d" "=")', "FROM@1-1 ENV@2-3"],
  ["an empty value", "FROM a\nENV a=\n", '(env "a" "" "=")', "FROM@1-1 ENV@2-2"],
  [
    "quoted names, and a quote without an end",
    'FROM a\nLABEL "a b"=c d="e\n',
    '(label "\\"a b\\"" "c" "=" "d" "\\"e" "=")',
    "FROM@1-1 LABEL@2-2",
  ],
  ["ARG: names and defaults", 'FROM a\nARG a b=c "d e"=f\n', '(arg "a" "b=c" "\\"d e\\"=f")', "FROM@1-1 ARG@2-2"],
  ["EXPOSE", "FROM a\nEXPOSE 80 81/udp\n", '(expose "80" "81/udp")', "FROM@1-1 EXPOSE@2-2"],
  ["VOLUME as words", "FROM a\nVOLUME /a /b\n", '(volume "/a" "/b")', "FROM@1-1 VOLUME@2-2"],
  ["VOLUME as JSON", 'FROM a\nVOLUME ["/a"]\n', '(volume "/a")', "FROM@1-1 VOLUME@2-2"],
  ["WORKDIR is one word", "FROM a\nWORKDIR /a b\n", '(workdir "/a b")', "FROM@1-1 WORKDIR@2-2"],
  ["USER is one word", "FROM a\nUSER a b\n", '(user "a b")', "FROM@1-1 USER@2-2"],
  ["STOPSIGNAL", "FROM a\nSTOPSIGNAL 9\n", '(stopsignal "9")', "FROM@1-1 STOPSIGNAL@2-2"],
  ["MAINTAINER is one word", "FROM a\nMAINTAINER a <b@c>\n", '(maintainer "a <b@c>")', "FROM@1-1 MAINTAINER@2-2"],
  ["SHELL", 'FROM a\nSHELL ["a", "b"]\n', '(shell "a" "b")', "FROM@1-1 SHELL@2-2"],
  [
    "HEALTHCHECK in exec form",
    'FROM a\nHEALTHCHECK --retries=3 CMD ["a", "b"]\n',
    '(healthcheck ["--retries=3"] "CMD" "a" "b")',
    "FROM@1-1 HEALTHCHECK@2-2",
  ],
  [
    "HEALTHCHECK in shell form",
    "FROM a\nHEALTHCHECK cmd a b\n",
    '(healthcheck "cmd" "a b")',
    "FROM@1-1 HEALTHCHECK@2-2",
  ],
  ["HEALTHCHECK NONE", "FROM a\nHEALTHCHECK NONE\n", '(healthcheck "NONE")', "FROM@1-1 HEALTHCHECK@2-2"],
  ["a trigger", "FROM a\nONBUILD COPY --from=b c d\n", '(onbuild (copy ["--from=b"] "c" "d"))', "FROM@1-1 ONBUILD@2-2"],
  [
    "a trigger with a heredoc",
    "FROM a\nONBUILD RUN <<E\nx\nE\nRUN y\n",
    '(onbuild (run "<<E"))\n(run "y")',
    "FROM@1-1 ONBUILD@2-4 RUN@5-5",
  ],
  ["FROM with a flag and a name", "FROM --platform=a b AS c\n", '(from ["--platform=a"] "b" "AS" "c")', "FROM@1-1"],
  [
    "two heredocs",
    'FROM a\nRUN <<E1 cat && cat <<-"E 2"\none\nE1\n\ttwo\n\tE 2\nRUN b\n',
    '(run "<<E1 cat && cat <<-\\"E 2\\"")\n(run "b")',
    "FROM@1-1 RUN@2-6 RUN@7-7",
  ],
  [
    "a quoted << is no heredoc",
    'FROM a\nRUN echo "<<E"\nRUN b\n',
    '(run "echo \\"<<E\\"")\n(run "b")',
    "FROM@1-1 RUN@2-2 RUN@3-3",
  ],
  ["nor is one in an exec form", 'FROM a\nRUN ["<<E"]\nRUN b\n', '(run "<<E")\n(run "b")', "FROM@1-1 RUN@2-2 RUN@3-3"],
  ["nor one of CMD", "FROM a\nCMD <<E\nRUN b\n", '(cmd "<<E")\n(run "b")', "FROM@1-1 CMD@2-2 RUN@3-3"],
  [
    "another escape token",
    "# escape=`\nFROM a\nRUN a `\n b\\\nRUN c:\\\n",
    '(run "a  b\\\\")\n(run "c:\\\\")',
    "FROM@2-2 RUN@3-4 RUN@5-5",
  ],
  ["CRLF", "FROM a\r\nRUN b \\\r\n c\r\n", '(run "b  c")', "FROM@1-1 RUN@2-3"],
  ["a lone CR is text", "FROM a\nRUN a\rb\n", '(run "a\\rb")', "FROM@1-1 RUN@2-2"],
  ["blanks of Unicode at the ends only", "FROM a\nRUN \u00a0a\u00a0b\n", '(run "a\\u00a0b")', "FROM@1-1 RUN@2-2"],
  ["an unknown instruction", "FROM a\nWHAT ever\n", '(what "")', "FROM@1-1 WHAT@2-2"],
  ["a continuation at the end of the file", "FROM a\nRUN a \\", '(run "a")', "FROM@1-1 RUN@2-2"],
];

for (const [name, text, expected, lines] of table) {
  suite(name, () => {
    const instructions = [...readInstructions({ file: "Dockerfile", text })];
    const shown = instructions.length > 1 ? instructions.slice(1) : instructions;
    assert.is(dump(shown), expected);
    assert.is(segments(instructions), lines);
  });
}

suite.run();
