import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseChallenges } from "../../registry-client/auth/challenge.ts";

const challenges = suite("challenges");

type Plain = readonly [string, Readonly<Record<string, string>>];

const cases: readonly (readonly [string, readonly string[], readonly Plain[]])[] = [
  ["a basic challenge", ['Basic realm="a registry"'], [["basic", { realm: "a registry" }]]],
  [
    "commas within quotes belong to the value",
    ['Bearer realm="https://auth/token",service="reg",scope="repository:x:pull,push"'],
    [["bearer", { realm: "https://auth/token", service: "reg", scope: "repository:x:pull,push" }]],
  ],
  [
    "two challenges in one header",
    ['Negotiate, Basic realm="x", charset=UTF-8'],
    [
      ["negotiate", {}],
      ["basic", { realm: "x", charset: "UTF-8" }],
    ],
  ],
  [
    "several headers",
    ["NTLM", 'BEARER Realm="https://a"'],
    [
      ["ntlm", {}],
      ["bearer", { realm: "https://a" }],
    ],
  ],
  [
    "a token68 is not a parameter",
    ['Negotiate YWJjZA==, Basic realm="x"'],
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  ["quoted pairs are unquoted", ['Basic realm="say \\"hi\\""'], [["basic", { realm: 'say "hi"' }]]],
  ["space around equals signs", ['Bearer realm = "r" , service = s'], [["bearer", { realm: "r", service: "s" }]]],
  [
    "an unquoted address",
    ["Bearer realm=https://a/token,service=s"],
    [["bearer", { realm: "https://a/token", service: "s" }]],
  ],
  ["what cannot be read is passed over", ['Bearer realm="unclosed, x'], [["bearer", {}]]],
  ["nothing at all", ["", ",, ,"], []],
];

for (const [name, headers, expected] of cases) {
  challenges(name, () => {
    const parsed = parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.equal(parsed, expected);
  });
}

// A reader that looks back for each of them would take minutes: the runner's limit ends it.
challenges("hostile headers of a hundred thousand parts are read", () => {
  for (const header of [
    `Bearer ${"a=".repeat(1e5)}`,
    `Basic realm="${"\\".repeat(1e5)}`,
    "=".repeat(1e5),
    '"'.repeat(1e5),
  ]) {
    parseChallenges([header]);
  }
});

challenges.run();
