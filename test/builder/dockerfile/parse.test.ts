import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import {
  type CopyInstruction,
  type Instruction,
  parseDockerfile,
  parseInstruction,
  type SourceRange,
  type Word,
} from "../../../builder/dockerfile/index.ts";
import type { BuildError } from "../../../builder/errors.ts";

const suite = createSuite("dockerfile parse");

/** `3:6-3:11`. */
function show({ start, end }: SourceRange): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}

function shown(words: readonly Word[]): readonly string[] {
  return words.map(({ text, range }) => `${text} ${show(range)}`);
}

function firstOf<K extends Instruction["keyword"]>(text: string, keyword: K): Extract<Instruction, { keyword: K }> {
  const instruction = parseDockerfile(text)
    .stages.flatMap((stage) => stage.instructions)
    .find((one) => one.keyword === keyword);
  assert.ok(instruction, `no ${keyword}`);
  return instruction as Extract<Instruction, { keyword: K }>;
}

suite("global ARGs stand before the stages, and stages have lower-case names", () => {
  const { globalArgs, stages, directives } = parseDockerfile("ARG V=1 W\nFROM a AS Build\nRUN x\nFROM build\nCMD y\n");
  assert.equal(
    globalArgs[0]?.args.map(({ key, value }) => [key.text, value?.text]),
    [
      ["V", "1"],
      ["W", undefined],
    ],
  );
  assert.equal(
    stages.map(({ index, name, from }) => [index, name, from.base.text]),
    [
      [0, "build", "a"],
      [1, undefined, "build"],
    ],
  );
  assert.is(stages[0]?.from.stageNameWord?.text, "Build");
  assert.is(directives.escape, "\\");
});

suite("directives are read at the head, in any letter case", () => {
  const { directives } = parseDockerfile(
    "# Syntax=docker/dockerfile:1 x\n# ESCAPE=`\n# check=skip=all;error=true\nFROM a\nRUN a `\n b\n",
  );
  assert.equal(directives, { escape: "`", syntax: "docker/dockerfile:1", check: "skip=all;error=true" });
});

suite("a syntax is found below a shebang and in a // comment, not below a blank line", () => {
  const syntaxOf = (head: string): string | undefined => {
    try {
      return parseDockerfile(`${head}FROM a\n`).directives.syntax;
    } catch (error) {
      return (error as BuildError).code;
    }
  };
  assert.is(syntaxOf("#!/usr/bin/env x\n# syntax=b\n"), "b");
  assert.is(syntaxOf("\n# syntax=b\n"), undefined);
  assert.is(syntaxOf("// syntax=b\n"), "UNKNOWN_INSTRUCTION");
});

suite("words know their places across continuations, comments and CRLF", () => {
  const copy = firstOf("FROM a\r\nCOPY --chown=1:2 \\\r\n # note\r\n  a.txt \\\r\n\r\n  b.txt /dst/\r\n", "COPY");
  assert.equal(shown([...copy.sources, copy.dest]), ["a.txt 4:3-4:8", "b.txt 6:3-6:8", "/dst/ 6:9-6:14"]);
  assert.equal(shown(copy.chown === undefined ? [] : [copy.chown]), ["1:2 2:14-2:17"]);
  assert.is(show(copy.range), "2:1-6:14");
  assert.is(copy.hasEmptyContinuation, true);
  assert.is(copy.original, "COPY --chown=1:2   a.txt   b.txt /dst/");
});

suite("a byte order mark counts for nothing", () => {
  const { source, stages } = parseDockerfile("\ufeffFROM a\n");
  assert.is(source.text, "FROM a\n");
  assert.is(stages[0] && show(stages[0].from.base.range), "1:6-1:7");
});

suite("a word over two lines ends where its last letter stands", () => {
  const user = firstOf("FROM a\nUSER ab\\\ncd\n", "USER");
  assert.equal(shown([user.user]), ["abcd 2:6-3:3"]);
});

suite("comments directly above belong to the instruction; a blank line parts them", () => {
  const text = "# syntax=x\n# far\n\n# near\n#  by \nFROM a\n# c\nRUN x\n";
  assert.equal(parseDockerfile(text).stages[0]?.from.comments, ["near", "by"]);
  assert.equal(firstOf(text, "RUN").comments, ["c"]);
});

suite("RUN keeps heredoc bodies as written", () => {
  const run = firstOf("FROM a\nRUN <<-A cat; 3<<'B' cat\n\tone\n\tA\ntwo $x\nB\n", "RUN");
  assert.equal(run.command, {
    form: "shell",
    script: "<<-A cat; 3<<'B' cat",
    heredocs: [
      {
        name: "A",
        content: "\tone\n",
        quoted: false,
        chomp: true,
        range: { file: "Dockerfile", start: { line: 3, column: 1 }, end: { line: 4, column: 3 } },
      },
      {
        name: "B",
        content: "two $x\n",
        quoted: true,
        chomp: false,
        fileDescriptor: 3,
        range: { file: "Dockerfile", start: { line: 5, column: 1 }, end: { line: 6, column: 2 } },
      },
    ],
  });
  assert.is(show(run.range), "2:1-6:2");
});

suite("COPY takes heredocs for files, without the tabs of <<-, and two of one name apart", () => {
  const copy: CopyInstruction = firstOf("FROM a\nCOPY x <<-F <<F /d/\n\ta\n\tF\nb\nF\n", "COPY");
  assert.equal(
    copy.sources.map(({ text }) => text),
    ["x"],
  );
  assert.equal(
    copy.heredocs.map(({ name, content }) => [name, content]),
    [
      ["F", "a\n"],
      ["F", "b\n"],
    ],
  );
});

suite("a JSON array of COPY is paths, never heredocs", () => {
  const copy = firstOf('FROM a\nCOPY ["<<F", "b c", "/d"]\n', "COPY");
  assert.equal(shown([...copy.sources, copy.dest]), ["<<F 2:7-2:12", "b c 2:14-2:19", "/d 2:21-2:25"]);
});

suite("flags lose their quotes and escapes, and end at --", () => {
  const copy = firstOf('FROM a\nCOPY --chown="a b":c --exclude=*.o --exclude=x\\ y -- --z d\n', "COPY");
  assert.is(copy.chown?.text, "a b:c");
  assert.equal(
    copy.exclude.map(({ text }) => text),
    ["*.o", "x y"],
  );
  assert.equal(
    copy.sources.map(({ text }) => text),
    ["--z"],
  );
});

suite("boolean flags: given, false and absent differ", () => {
  const add = firstOf("FROM a\nADD --link --keep-git-dir=FALSE a b\n", "ADD");
  assert.equal([add.link, add.keepGitDir, add.unpack], [true, false, undefined]);
});

suite("an empty flag is one that was not given", () => {
  assert.is(parseDockerfile("FROM --platform= a\n").stages[0]?.from.platform, undefined);
});

suite("ENV pairs keep quotes, and the old form takes the rest of the line", () => {
  const pairs = (text: string): readonly (readonly string[])[] =>
    firstOf(`FROM a\n${text}\n`, "ENV").pairs.map(({ key, value }) => [...shown([key, value])]);
  assert.equal(pairs('ENV a="b c" d=\\ e'), [
    ["a 2:5-2:6", '"b c" 2:7-2:12'],
    ["d 2:13-2:14", "\\ e 2:15-2:18"],
  ]);
  assert.equal(pairs("ENV a  b=c  d"), [["a 2:5-2:6", "b=c  d 2:8-2:14"]]);
});

suite("HEALTHCHECK gives nanoseconds, and NONE no test", () => {
  const text = 'FROM a\nHEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=0 --retries=3 CMD ["a"]\n';
  const check = firstOf(text, "HEALTHCHECK");
  assert.equal(check.test, { form: "exec", argv: ["a"] });
  const { intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = check;
  assert.equal([intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries], [90e9, 15e8, 0, undefined, 3]);
  assert.is(firstOf("FROM a\nHEALTHCHECK NONE\n", "HEALTHCHECK").test, undefined);
});

suite("ONBUILD keeps its text, heredocs appended, which parses again to the same trigger", () => {
  const onbuild = firstOf("FROM a\nonbuild  COPY --chown=1 <<F \\\n  /d\nhi\nF\n", "ONBUILD");
  assert.is(onbuild.expression, "COPY --chown=1 <<F   /d\nhi\nF");
  const { trigger } = onbuild;
  const again = parseInstruction(onbuild.expression);
  assert.ok(trigger?.keyword === "COPY" && again.keyword === "COPY");
  assert.equal([again.dest.text, again.heredocs[0]?.content], [trigger.dest.text, trigger.heredocs[0]?.content]);
});

suite("a trigger that is no instruction is kept as text and fails when it is triggered", () => {
  const onbuild = firstOf("FROM a\nONBUILD FOO x\n", "ONBUILD");
  assert.equal([onbuild.expression, onbuild.trigger], ["FOO x", undefined]);
  assert.throws(
    () => parseInstruction(onbuild.expression),
    (error: BuildError) => error.code === "UNKNOWN_INSTRUCTION",
  );
});

suite("a trigger is one instruction", () => {
  assert.throws(() => parseInstruction("RUN a\nRUN b"), /onbuild trigger should be a single expression/);
});

suite("the longest line that is allowed is allowed, in bytes", () => {
  const fits = (line: string): boolean => {
    try {
      parseDockerfile(`FROM a\n${line}\n`);
      return true;
    } catch (error) {
      assert.is((error as BuildError).code, "LINE_TOO_LONG");
      return false;
    }
  };
  assert.is(fits(`RUN ${"x".repeat(65_531)}`), true);
  assert.is(fits(`RUN ${"x".repeat(65_532)}`), false);
  assert.is(fits(`RUN ${"한".repeat(21_843)}`), true);
  assert.is(fits(`RUN ${"한".repeat(21_844)}`), false);
});

suite("the exec form replaces lone surrogates as Go does, and bad JSON is the shell form", () => {
  const command = (text: string) => firstOf(`FROM a\n${text}\n`, "CMD").command;
  assert.equal(command('CMD ["\\ud800", "\\u00e9"]'), { form: "exec", argv: ["\ufffd", "é"] });
  assert.equal(command('CMD ["a",]'), { form: "shell", script: '["a",]', heredocs: [] });
  assert.equal(command("CMD"), { form: "shell", script: "", heredocs: [] });
});

suite("very deep nesting is no stack overflow", () => {
  const code = (text: string): string | undefined => {
    try {
      parseDockerfile(text);
      return undefined;
    } catch (error) {
      return (error as BuildError).code;
    }
  };
  assert.is(code(`FROM a\n${"ONBUILD \\\n".repeat(30_000)}RUN x\n`), "INVALID_INSTRUCTION");
  assert.is(code(`FROM a\nCMD ${"[".repeat(60_000)}\n`), undefined);
  assert.is(code(`FROM a\nRUN <<E ${"${a:-".repeat(10_000)}\n`), undefined);
});

suite.run();
