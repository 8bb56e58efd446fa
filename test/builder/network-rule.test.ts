import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAllowedEnd } from "../../builder/network-rule.ts";

const test = suite("--allow-net");

const ENDS = [
  ["example.com", { name: "example.com" }],
  ["Example.COM.:443", { name: "example.com", port: 443 }],
  ["*.example.com", { name: "*.example.com" }],
  ["m\u00fcnchen.example", { name: "xn--mnchen-3ya.example" }],
  ["10.0.0.0/8", { address: "10.0.0.0", prefixLength: 8 }],
  ["0.0.0.0/0", { address: "0.0.0.0", prefixLength: 0 }],
  ["10.1.2.3:80", { address: "10.1.2.3", port: 80 }],
  ["10.1.2.3/24", { address: "10.1.2.3", prefixLength: 24 }],
  ["::/0", { address: "::", prefixLength: 0 }],
  ["::ffff:8.8.8.8", { address: "8.8.8.8" }],
  ["[::ffff:808:808]:53", { address: "8.8.8.8", port: 53 }],
  ["0:0:0:0:0:FFFF:10.0.0.0/104", { address: "10.0.0.0", prefixLength: 8 }],
  ["169.0.0.0/8", { address: "169.0.0.0", prefixLength: 8 }],
  ["2001:db8::1", { address: "2001:db8::1" }],
  ["[2001:db8::]:443", { address: "2001:db8::", port: 443 }],
] as const;

for (const [text, end] of ENDS) {
  test(`${text} is an end`, () => assert.equal(parseAllowedEnd(text), end));
}

/** What `is_closed` of the addon refuses whatever a rule says: a rule that could never hold is refused where it is given. */
const CLOSED = [
  "127.0.0.1",
  "localhost",
  "169.254.169.254",
  "192.0.0.192",
  "100.100.100.200",
  "168.63.129.16",
  "224.0.0.1",
  "::1",
  "::ffff:127.0.0.1",
  "fe80::1",
  "fe80::1%eth0",
  "127.0.0.0/16",
  "fd00:ec2::254",
  "[fd20:ce::254]:80",
];

for (const text of CLOSED) {
  test(`${text} is closed to every RUN`, () => {
    const end = parseAllowedEnd(text);
    assert.match("problem" in end ? end.problem : "allowed", /closed to every RUN$/);
  });
}

for (const [text, all] of [
  ["0.0.0.0", "0.0.0.0/0"],
  ["0.0.0.0:443", "0.0.0.0/0"],
  ["0.0.0.0/8", "0.0.0.0/0"],
  ["::", "::/0"],
  ["::8.8.8.8", "::/0"],
  ["::ffff:0.0.0.0", "0.0.0.0/0"],
] as const) {
  test(`${text} is nobody's address`, () => {
    const end = parseAllowedEnd(text);
    assert.match("problem" in end ? end.problem : "allowed", `is nobody's address: all that there are is ${all}`);
  });
}

for (const text of [
  "",
  "https://a.test",
  ":80",
  "a.test:0",
  "a.test:65536",
  "10.0.0.0/33",
  "::/129",
  "a..b",
  "-a.test",
  "1.2.3",
  "a b",
]) {
  test(`${JSON.stringify(text)} is no end`, () => assert.ok("problem" in parseAllowedEnd(text)));
}

test.run();
