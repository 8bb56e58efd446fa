// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are the Dockerfile's
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DispatchOptions } from "../../../builder/dispatch/index.ts";
import { compileIgnorePatterns } from "../../../builder/dockerfile/index.ts";
import { image } from "../dispatch/harness.ts";
import { lint } from "./harness.ts";

const test = suite("lint rules");

interface Case {
  readonly name: string;
  readonly text: string;
  readonly options?: Partial<DispatchOptions>;
  readonly warnings: readonly string[];
}

const ARM64 = { os: "linux", architecture: "arm64" } as const;

function ignoring(...patterns: readonly string[]): Partial<DispatchOptions> {
  return { context: { path: "/context", ignore: compileIgnorePatterns(patterns) } };
}

const jsonArgs = (keyword: string, line: number) =>
  `JSONArgsRecommended@${line}: JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`;
const multiple = (keyword: string, line: number) =>
  `MultipleInstructionsDisallowed@${line}: Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`;
const undefinedVar = (name: string, line: number | string, meant = "") =>
  `UndefinedVar@${line}: Usage of undefined variable '$${name}'${meant === "" ? "" : ` (did you mean $${meant}?)`}`;
const secret = (keyword: string, name: string, line: number) =>
  `SecretsUsedInArgOrEnv@${line}: Do not use ARG or ENV instructions for sensitive data (${keyword} "${name}")`;
const casing = (keyword: string, line: number, majority: string) =>
  `ConsistentInstructionCasing@${line}: Command '${keyword}' should match the case of the command majority (${majority})`;
const ignored = (path: string, line: number, verb = "Copy") =>
  `CopyIgnoredFile@${line}: Attempting to ${verb} file "${path}" that is excluded by .dockerignore`;
const description = (keyword: string, name: string, line: number) =>
  `InvalidDefinitionDescription@${line}: Comment for ${keyword} should follow the format: \`# ${name} <description>\``;
const defaultArg = (base: string, line: number) =>
  `InvalidDefaultArgInFrom@${line}: Default value for ARG ${base} results in empty or invalid base image name`;
const constant = (platform: string, line: number) =>
  `FromPlatformFlagConstDisallowed@${line}: FROM --platform flag should not use constant value "${platform}"`;
const port = (found: string, line: number) =>
  `ExposeInvalidFormat@${line}: EXPOSE instruction should not define an IP address or host-port mapping, found '${found}'`;

const CASES: readonly Case[] = [
  {
    name: "a clean Dockerfile has no warnings",
    text: 'ARG V=1\nFROM a:$V AS one\nWORKDIR /app\nENV X=1\nCOPY --from=b x $X\nRUN echo $Y\nEXPOSE 80/tcp\nCMD ["x"]\n',
    warnings: [],
  },
  {
    name: "stage names are lower case",
    text: "FROM a AS BuilD\nFROM a AS ok\n",
    warnings: ["StageNameCasing@1: Stage name 'BuilD' should be lowercase"],
  },
  {
    name: "as goes with FROM",
    text: "FROM a as one\nFROM a AS two\nfrom a AS three\nfrom a as four\nFROM a As five\n",
    warnings: [
      "FromAsCasing@1: 'as' and 'FROM' keywords' casing do not match",
      "FromAsCasing@3: 'AS' and 'from' keywords' casing do not match",
      "FromAsCasing@5: 'As' and 'FROM' keywords' casing do not match",
      casing("from", 3, "uppercase"),
      casing("from", 4, "uppercase"),
    ],
  },
  {
    name: "as is left alone where FROM is of mixed case",
    text: "From a as one\n",
    warnings: [casing("From", 1, "uppercase")],
  },
  {
    name: "blank lines in continuations are told at the last line, once for each instruction",
    text: "FROM a\nRUN x \\\n\n\n y \\\n\n z\nRUN <<EOF \\\n\n cat\nb\nEOF\n",
    warnings: ["NoEmptyContinuation@7: Empty continuation line", "NoEmptyContinuation@10: Empty continuation line"],
  },
  {
    name: "a comment in a continuation is no blank line",
    text: "FROM a\nRUN x \\\n# c\n y\n",
    warnings: [],
  },
  {
    name: "lower case wins only with more votes; mixed case has none; ARG before FROM does not count",
    text: "arg A=a\nFROM $A\nrun x\nRun y\n",
    warnings: [casing("run", 3, "uppercase"), casing("Run", 4, "uppercase")],
  },
  {
    name: "a lower case majority",
    text: "from a\nrun x\nRUN y\n",
    warnings: [casing("RUN", 3, "lowercase")],
  },
  {
    name: "stage names are unique, whatever their case",
    text: "FROM a AS b\nFROM a AS B\n",
    warnings: [
      "StageNameCasing@2: Stage name 'B' should be lowercase",
      'DuplicateStageName@2: Duplicate stage name "b", stage names should be unique',
    ],
  },
  {
    name: "stage names that mean something else",
    text: "FROM a AS context\nFROM a AS scratch\n",
    warnings: [
      'ReservedStageName@1: Stage name should not use the same name as reserved stage "context"',
      'ReservedStageName@2: Stage name should not use the same name as reserved stage "scratch"',
    ],
  },
  {
    name: "commands in shell form, but for images with a SHELL",
    text: 'FROM a\nCMD x\nFROM a\nSHELL ["bash", "-c"]\nENTRYPOINT x\nFROM a\nENTRYPOINT ["x"]\nentrypoint x\n',
    warnings: [
      casing("entrypoint", 8, "uppercase"),
      jsonArgs("CMD", 2),
      multiple("entrypoint", 7),
      jsonArgs("entrypoint", 8),
    ],
  },
  {
    name: "a SHELL of the base image",
    text: "FROM a\nCMD x\n",
    options: { resolveImage: async (name) => image(name, { Shell: ["/bin/bash", "-c"] }) },
    warnings: [],
  },
  {
    name: "MAINTAINER",
    text: "FROM a\nMAINTAINER me\n",
    warnings: ["MaintainerDeprecated@2: Maintainer instruction is deprecated in favor of using label"],
  },
  {
    name: "arguments of FROM that no ARG declares, also with a default",
    text: "ARG VERSION=1\nFROM a:${VERSIN:-1}\nFROM --platform=${PLATFORMM:-$BUILDPLATFORM} a\nFROM a:${X-}$VERSION\n",
    warnings: [
      "UndefinedArgInFrom@2: FROM argument 'VERSIN' is not declared (did you mean VERSION?)",
      "UndefinedArgInFrom@3: FROM argument 'PLATFORMM' is not declared",
      "UndefinedArgInFrom@4: FROM argument 'X' is not declared",
    ],
  },
  {
    name: "an ARG without a value is declared",
    text: "ARG TAG\nFROM a${TAG}\n",
    warnings: [],
  },
  {
    name: "the first WORKDIR of a chain of stages is absolute",
    text: "FROM a AS one\nWORKDIR app\nWORKDIR sub\nFROM one\nWORKDIR x\nFROM a\nWORKDIR /x\nWORKDIR y\nFROM a\nENV D=/d\nWORKDIR $D\n",
    warnings: ['WorkdirRelativePath@2: Relative workdir "app" can have unexpected results if the base image changes'],
  },
  {
    name: "the WORKDIR of the base image does not count",
    text: "FROM a\nARG D=d\nWORKDIR $D\n",
    options: { resolveImage: async (name) => image(name, { WorkingDir: "/w" }) },
    warnings: ['WorkdirRelativePath@3: Relative workdir "d" can have unexpected results if the base image changes'],
  },
  {
    name: "variables that nothing defines, in every instruction that expands them",
    text: [
      "FROM a",
      "ENV bar=1",
      "ENV first=$foo second=${foo:-x} third=$baz",
      "LABEL $label=$value",
      "COPY --chown=$owner $source $destination",
      "ADD --chmod=${mode:-755} x y",
      "USER $person",
      "VOLUME ${volume:-/v}",
      "STOPSIGNAL ${signal:-9}",
      "WORKDIR /$folder",
      "ARG D=$argument",
      "RUN --mount=type=cache,target=/$cache echo $run",
      "",
    ].join("\n"),
    warnings: [
      undefinedVar("foo", 3),
      undefinedVar("foo", 3),
      undefinedVar("baz", 3, "bar"),
      undefinedVar("label", 4),
      undefinedVar("value", 4),
      undefinedVar("owner", 5),
      undefinedVar("source", 5),
      undefinedVar("destination", 5),
      undefinedVar("mode", 6),
      undefinedVar("person", 7),
      undefinedVar("volume", 8),
      undefinedVar("signal", 9),
      undefinedVar("folder", 10),
      undefinedVar("argument", 11),
      undefinedVar("cache", 12),
    ],
  },
  {
    name: "RUN, CMD, ENTRYPOINT, HEALTHCHECK and EXPOSE may use what they like",
    text: 'FROM a\nRUN echo $a\nENTRYPOINT ["$b"]\nCMD ["$c"]\nHEALTHCHECK CMD $d\nEXPOSE ${p:-80}\n',
    warnings: [],
  },
  {
    name: "an ARG without a value is defined; one of another stage is not, one of the parent is",
    text: "FROM a AS one\nARG V\nENV x=$V\nFROM a\nENV x=$V\nFROM one\nENV y=$V\n",
    warnings: [undefinedVar("V", 5)],
  },
  {
    name: "an ARG before FROM is not defined in a stage that does not repeat it",
    text: "ARG V=1\nFROM a\nENV x=$V\nARG V\nENV y=$V\n",
    warnings: [undefinedVar("V", 3)],
  },
  {
    name: "ARGs of one line see each other; a default that is overridden is not looked at",
    text: "FROM a\nARG A=1 B=$A C=$Z\n",
    options: { buildArgs: { C: "3" } },
    warnings: [],
  },
  {
    name: "the environment of the base image is defined",
    text: "FROM a\nENV x=$PATH\n",
    warnings: [],
  },
  {
    name: "bodies of COPY heredocs, unless their names are quoted",
    text: "FROM a\nCOPY <<A <<'B' /\n$x '$y'\nA\n$z\nB\n",
    warnings: [undefinedVar("x", "2-6"), undefinedVar("y", "2-6")],
  },
  {
    name: "single quotes and escapes hide a variable",
    text: "FROM a\nENV x='$y' z=\\$y\n",
    warnings: [],
  },
  {
    name: "a word that cannot be expanded is told as far as it goes",
    text: "FROM a\nENV x=$y${z:=1}\n",
    warnings: [undefinedVar("y", 2), undefinedVar("z", 2)],
  },
  {
    name: "of several CMD, ENTRYPOINT and HEALTHCHECK the earlier ones are told, stage by stage",
    text: 'FROM a AS one\nCMD ["1"]\nCMD ["2"]\nCMD ["3"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\nFROM one\nCMD ["4"]\n',
    warnings: [multiple("CMD", 2), multiple("CMD", 3), multiple("HEALTHCHECK", 5)],
  },
  {
    name: "ENV and LABEL without =",
    text: "FROM a\nENV k v\nLABEL k v w\nENV k=v\n",
    warnings: [
      'LegacyKeyValueFormat@2: "ENV key=value" should be used instead of legacy "ENV key value" format',
      'LegacyKeyValueFormat@3: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
    ],
  },
  {
    name: "a base image for another platform",
    text: "FROM multi\n",
    options: { resolveImage: async (name) => image(name, {}, ARM64) },
    warnings: [
      'InvalidBaseImagePlatform@1: Base image multi was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
    ],
  },
  {
    name: "--platform=$TARGETPLATFORM and nothing else",
    text: "FROM --platform=$TARGETPLATFORM a\nFROM --platform=${TARGETPLATFORM} a\nFROM --platform=$BUILDPLATFORM a\nFROM --platform=$TARGETOS/$TARGETARCH a\n",
    warnings: [
      "RedundantTargetPlatform@1: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
      "RedundantTargetPlatform@2: Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior",
    ],
  },
  {
    name: "names of secrets in stages, not those of public things, files and versions",
    text: "ARG GLOBAL_TOKEN=1\nFROM a\nARG api_key\nENV DB_PASSWORD=1 AUTHOR=me PUBLIC_KEY=1 TOKEN_FILE=x KEY_VERSION=2\nENV Secret=1\nARG MONKEY\n",
    warnings: [secret("ARG", "api_key", 3), secret("ENV", "DB_PASSWORD", 4), secret("ENV", "Secret", 5)],
  },
  {
    name: "base names that only a build argument makes whole",
    text: "ARG TAG\nARG IMAGE=a\nFROM busybox:${TAG}\nFROM ${IMAGE}\nFROM busybox:${TAG:-1}\nFROM b${TAG}\n",
    options: { buildArgs: { TAG: "9" } },
    warnings: [defaultArg("busybox:${TAG}", 3)],
  },
  {
    name: "a constant --platform, unless the stage is named after it",
    text: "FROM --platform=linux/amd64 a\nFROM --platform=linux/amd64 a AS build-amd64\nFROM --platform=linux/arm64 a AS my-linux\nFROM --platform=linux/arm64 a AS b\n",
    options: { resolveImage: async (name, { platform }) => image(name, {}, platform) },
    warnings: [constant("linux/amd64", 1), constant("linux/arm64", 4)],
  },
  {
    name: "COPY and ADD of what .dockerignore leaves out",
    text: "FROM a\nARG F=x.log\nCOPY $F ok /d/\nADD dir/file /\nCOPY --from=b x.log /\nCOPY <<x.log /\nx.log\nADD https://example.com/x.log /\nCOPY ./dir/ /d\n",
    options: ignoring("*.log", "dir"),
    warnings: [ignored("x.log", 3), ignored("dir/file", 4, "Add"), ignored("dir", 9)],
  },
  {
    name: "a pattern of many stars is matched without trying every way",
    text: `FROM a\nCOPY ${"a".repeat(2000)} /\n`,
    options: ignoring(`${"*a".repeat(40)}b`, `${"*a".repeat(40)}`),
    warnings: [ignored("a".repeat(2000), 2)],
  },
  {
    name: "a .dockerignore with an exception is not judged",
    text: "FROM a\nCOPY x.log /\n",
    options: ignoring("*.log", "!keep"),
    warnings: [],
  },
  {
    name: "the context itself is left out only by a pattern for everything",
    text: "FROM a\nCOPY . /\nCOPY / /\n",
    options: ignoring("**"),
    warnings: [ignored(".", 2), ignored("/", 3)],
  },
  {
    name: "the context itself is not what a pattern of its files is about",
    text: "FROM a\nCOPY . /\nCOPY / /\n",
    options: ignoring(".*", "**/x"),
    warnings: [],
  },
  {
    name: "protocols and host ports of EXPOSE",
    text: "FROM a\nEXPOSE 80/TcP 81/udp 127.0.0.1:82:8080 83:83 84\n",
    warnings: [
      port("127.0.0.1:82:8080", 2),
      "ExposeProtoCasing@2: Defined protocol '80/TcP' in EXPOSE instruction should be lowercase",
      port("83:83", 2),
    ],
  },
  {
    name: "descriptions begin with the name, where that is asked for",
    text: [
      "# check=experimental=InvalidDefinitionDescription",
      "# bar is it",
      "ARG foo=bar",
      "# foo is it",
      "ARG foo=bar",
      "# bad",
      "ARG a b",
      "",
      "# b is the second",
      "ARG a b",
      "# BasE is it",
      "FROM x AS base",
      "# no name, no description",
      "FROM x",
      "# not above it",
      "",
      "ARG z",
      "# not above it either",
      "#",
      "ARG y",
      "",
    ].join("\n"),
    warnings: [description("ARG", "foo", 3), description("ARG", "<arg_key>", 7), description("FROM", "base", 12)],
  },
  {
    name: "descriptions are free where nobody asks",
    text: "# bad\nARG foo=bar\nFROM x\n",
    warnings: [],
  },
  {
    name: "an instruction over several lines is told with all of them",
    text: "FROM a\nENV a=$x \\\n  b=1\n",
    warnings: [undefinedVar("x", "2-3")],
  },
  {
    name: "triggers of a base are told at its FROM",
    text: "FROM a\n",
    options: { resolveImage: async (name) => image(name, { OnBuild: ["ENV a $x", "CMD y"] }) },
    warnings: [
      undefinedVar("x", 1),
      'LegacyKeyValueFormat@1: "ENV key=value" should be used instead of legacy "ENV key value" format',
      jsonArgs("CMD", 1),
    ],
  },
];

for (const { name, text, options, warnings } of CASES) {
  test(name, async () => assert.equal((await lint(text, options)).warnings, warnings));
}

test("a build looks at the stages that the target needs, but at the text of all", async () => {
  const text = "FROM a AS One\nENV k v\nFROM a AS two\nENV l w\n";
  const { warnings } = await lint(text, { allStages: false });
  assert.equal(
    warnings.map((warning) => warning.split(":")[0]),
    ["StageNameCasing@1", "LegacyKeyValueFormat@4"],
  );
});

test("what is found before an error is kept", async () => {
  const { warnings, error } = await lint("FROM a AS B\nMAINTAINER x\nCOPY a\nMAINTAINER y\n");
  assert.equal(
    warnings.map((warning) => warning.split(":")[0]),
    ["StageNameCasing@1", "MaintainerDeprecated@2"],
  );
  assert.match(error ?? "", "dockerfile parse error on line 3: COPY requires at least two arguments");
});

test("an error of the syntax comes before every check", async () => {
  const { warnings } = await lint('FROM a AS B\nRUN ["a", 1]\n');
  assert.equal(warnings, []);
});

test.run();
