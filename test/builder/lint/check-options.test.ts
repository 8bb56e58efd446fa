import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError } from "../../../builder/errors.ts";
import { openLinter } from "../../../builder/lint/index.ts";
import { textAt } from "../dispatch/harness.ts";
import { lint } from "./harness.ts";

const test = suite("check options");
const BODY = "FROM a\nMAINTAINER m\nENV k v\n";
const VIOLATION = "lint violation found for rules: MaintainerDeprecated, LegacyKeyValueFormat";

const rulesOf = (warnings: readonly string[]) => warnings.map((warning) => warning.split("@")[0]);

for (const [check, rules, error] of [
  ["skip=MaintainerDeprecated", ["LegacyKeyValueFormat"]],
  ["skip=MaintainerDeprecated,LegacyKeyValueFormat", []],
  ["skip=all", []],
  ["skip=none-such", ["MaintainerDeprecated", "LegacyKeyValueFormat"]],
  ["error=true", ["MaintainerDeprecated", "LegacyKeyValueFormat"], VIOLATION],
  ["error=1;skip=all", []],
  ["error=false", ["MaintainerDeprecated", "LegacyKeyValueFormat"]],
  [
    "skip=LegacyKeyValueFormat;error=T",
    ["MaintainerDeprecated"],
    "lint violation found for rules: MaintainerDeprecated",
  ],
  ["skip=all // reasons", []],
] as const) {
  test(`# check=${check}`, async () => {
    const found = await lint(`# check=${check}\n${BODY}`);
    assert.equal([rulesOf(found.warnings), found.error], [[...rules], error]);
  });
}

test("the directive is found under others, in any case, and only at the head", async () => {
  assert.equal((await lint(`# syntax=docker/dockerfile:1\n#CHECK = skip=all\n${BODY}`)).warnings, []);
  assert.is((await lint(`# a comment\n# check=skip=all\n\n${BODY}`)).warnings.length, 2);
});

test("an experimental rule that is asked for is not skipped by skip=all", async () => {
  const found = await lint(`# check=skip=all;experimental=all\n# bad\nARG x\n${BODY}`);
  assert.equal(rulesOf(found.warnings), ["InvalidDefinitionDescription"]);
});

test("the build argument takes the place of the directive", async () => {
  const text = `# check=skip=all;error=true\n${BODY}`;
  const found = await lint(text, { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: "skip=LegacyKeyValueFormat" } });
  assert.equal(found, {
    warnings: ["MaintainerDeprecated@3: Maintainer instruction is deprecated in favor of using label"],
  });
});

for (const [check, message, at] of [
  ["foo", 'invalid check option "foo"', "foo"],
  ["skip", 'invalid check option "skip"', "skip"],
  ["skip=a;foo=b", 'invalid check option "foo"', "foo=b"],
  ["skip=a;", 'invalid check option ""', ""],
  [
    "error=maybe",
    'failed to parse check option "error=maybe": strconv.ParseBool: parsing "maybe": invalid syntax',
    "error=maybe",
  ],
  ["error=true;skip=a;skip=b;skip=c", undefined, ""],
] as const) {
  test(`# check=${check} ${message === undefined ? "makes sense" : "is refused at the option"}`, () => {
    const error = failureOf(() => openLinter({ file: "Dockerfile", text: `# check=${check}\nFROM a\n` }, {}));
    assert.is(error?.message, message && `failed to parse check options: ${message}`);
    if (error === undefined) return;
    assert.is(error.code, "INVALID_CHECK_OPTION");
    assert.ok(error.hint);
    if (at !== "") assert.is(textAt(error), at);
  });
}

test("a build argument that makes no sense is refused by its name", () => {
  const error = failureOf(() => openLinter({ file: "D", text: BODY }, { BUILDKIT_DOCKERFILE_CHECK: "foo=1" }));
  assert.is(error?.message, 'failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: invalid check option "foo"');
});

test("a comment above an instruction is for it alone, and the first such comment counts", async () => {
  const text = [
    "FROM a AS one",
    "# check=skip=LegacyKeyValueFormat",
    "ENV k v",
    "ENV k v",
    "# a reason",
    "# check=skip=SecretsUsedInArgOrEnv,LegacyKeyValueFormat // why",
    "# check=skip=none",
    "ENV TOKEN v",
    "# check=skip=all",
    "MAINTAINER m",
    "",
    "# check=skip=all",
    "",
    "MAINTAINER m",
    "# check=skip=all",
    "FROM a AS ONE",
    "",
  ].join("\n");
  assert.equal(
    (await lint(text)).warnings.map((warning) => warning.split(":")[0]),
    ["MaintainerDeprecated@14", "LegacyKeyValueFormat@4"],
  );
});

test("a comment may ask for an experimental rule, and is no description", async () => {
  const text =
    "FROM a\n# check=experimental=all\n# bad\nARG x\n# x is it\n# check=experimental=all\nARG x\n# bad\nARG y\n";
  assert.equal(
    (await lint(text)).warnings.map((warning) => warning.split(":")[0]),
    ["InvalidDefinitionDescription@4"],
  );
});

test("a comment makes no error, and one that makes no sense is a comment", async () => {
  const found = await lint("FROM a\n# check=error=true\nENV k v\n# check=nonsense\nENV k v\n");
  assert.is(found.error, undefined);
  assert.is(found.warnings.length, 2);
});

function failureOf(work: () => unknown): BuildError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof BuildError) return error;
    throw error;
  }
}

test.run();
