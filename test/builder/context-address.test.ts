import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseContextAddress, parseRemoteAddress } from "../../builder/context-address.ts";
import { redactAddresses } from "../../builder/dockerfile/index.ts";
import { BuildError } from "../../builder/errors.ts";
import { makeTempDir } from "../helpers/temp.ts";

const address = suite("context address");

const remotes: readonly (readonly [
  text: string,
  remote: string | undefined,
  ref?: string | undefined,
  subdir?: string,
])[] = [
  ["https://example.com/a.git", "https://example.com/a.git"],
  ["https://example.com/a.git#v1:docker", "https://example.com/a.git", "v1", "docker"],
  ["https://example.com/a.git#:docker", "https://example.com/a.git", undefined, "docker"],
  ["github.com/moby/buildkit", "https://github.com/moby/buildkit"],
  ["github.com/moby/buildkit#master", "https://github.com/moby/buildkit", "master"],
  ["git@example.com:a/b.git#x", "git@example.com:a/b.git", "x"],
  ["git://example.com/a", "git://example.com/a"],
  ["ssh://git@example.com/a", "ssh://git@example.com/a"],
  ["https://example.com/a.tar.gz", undefined],
  ["http://example.com/Dockerfile", undefined],
];

for (const [text, remote, ref, subdir] of remotes) {
  address(`${text} is ${remote === undefined ? "a URL" : "a repository"}`, () => {
    const parsed = parseRemoteAddress(text);
    if (remote === undefined) return assert.equal(parsed, { type: "http", url: text });
    if (parsed?.type !== "git") return assert.unreachable();
    assert.equal([parsed.reference.remote, parsed.reference.ref, parsed.reference.subdir], [remote, ref, subdir]);
  });
}

for (const text of ["a/b", "./a.git", "../x", "C:/x", "example.com/a", "file:///tmp"]) {
  address(`${text} is a path`, () => assert.is(parseRemoteAddress(text), undefined));
}

address("a directory that is there goes before a repository of that name", async () => {
  const folder = makeTempDir("address");
  const before = process.cwd();
  mkdirSync(join(folder, "github.com/moby/buildkit"), { recursive: true });
  process.chdir(folder);
  try {
    assert.is((await parseContextAddress("github.com/moby/buildkit")).type, "directory");
    assert.is((await parseContextAddress("github.com/moby/other")).type, "git");
    const error = await parseContextAddress("gitlab.com/moby/other").catch((thrown: unknown) => thrown);
    assert.is(error instanceof BuildError && error.code, "CONTEXT_NOT_FOUND");
  } finally {
    process.chdir(before);
  }
});

address("a password is not shown", () => {
  assert.is(redactAddresses("https://user:secret@example.com/a.git#x"), "https://example.com/a.git#x");
  assert.is(redactAddresses("git@example.com:a/b.git"), "git@example.com:a/b.git");
  assert.is(redactAddresses("of https://a:b@c@d/e and git+ssh://f@g"), "of https://d/e and git+ssh://g");
});

address.run();
