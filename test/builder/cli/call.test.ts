import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BUILD_FLAGS } from "../../../builder/cli/build-flags.ts";
import { type Call, parseCall } from "../../../builder/cli/call.ts";
import { parseFlags } from "../../../builder/cli/flags.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";

const test = suite("--call and --check");

function call(line: string): Call | undefined {
  return parseCall(parseFlags(line.split(" "), BUILD_FLAGS));
}

const TEXT = { format: "text", ignoreStatus: false } as const;

for (const [line, expected] of [
  [".", undefined],
  ["--call=build .", undefined],
  ["--call= .", undefined],
  ["--check=false .", undefined],
  ["--check .", { method: "check", ...TEXT }],
  ["--call check .", { method: "check", ...TEXT }],
  ["--call=lint .", { method: "check", ...TEXT }],
  ["--call=outline .", { method: "outline", ...TEXT }],
  ["--call=targets,format=json .", { method: "targets", format: "json", ignoreStatus: false }],
  ["--call=format=json,check .", { method: "check", format: "json", ignoreStatus: false }],
  ["--check --call=format=json .", { method: "check", format: "json", ignoreStatus: false }],
  ["--call=check,ignorestatus=true .", { method: "check", format: "text", ignoreStatus: true }],
  ["--call=check,ignorestatus=0 .", { method: "check", ...TEXT }],
  ["--call=outline --check .", { method: "outline", ...TEXT }],
] as const) {
  test(`${line} is ${expected?.method ?? "a build"}`, () => assert.equal(call(line), expected));
}

for (const [line, message] of [
  ["--call=chekc .", 'invalid value "chekc" for --call'],
  ["--call=check,format=yaml .", 'invalid value "yaml" for --call'],
  ["--call=check,outline .", 'invalid value "check,outline" for --call'],
  ["--call=check,colour=red .", 'invalid value "check,colour=red" for --call'],
  ["--call=check,ignorestatus=perhaps .", 'invalid value "perhaps" for --call'],
] as const) {
  test(`${line} is wrong usage, with a way out`, () => {
    assert.throws(
      () => call(line),
      (error: unknown) => error instanceof UsageError && error.message === message && error.hint !== undefined,
    );
  });
}

test.run();
