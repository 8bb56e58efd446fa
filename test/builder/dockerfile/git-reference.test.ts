import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type GitReference, isHttpUrl, parseGitReference } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";

const test = suite("git references");
const HTTPS = "https://host/user/repo.git";

const READ: readonly (readonly [text: string, expected: Partial<GitReference> & { readonly remote: string }])[] = [
  [HTTPS, { remote: HTTPS }],
  [`${HTTPS}#main`, { remote: HTTPS, ref: "main" }],
  [`${HTTPS}#main:sub/dir`, { remote: HTTPS, ref: "main", subdir: "sub/dir" }],
  [`${HTTPS}#:sub`, { remote: HTTPS, subdir: "sub" }],
  [`${HTTPS}#feature%2Fa`, { remote: HTTPS, ref: "feature/a" }],
  ["HTTPS://host/repo.git", { remote: "https://host/repo.git" }],
  ["http://user:pass@host:8080/r.git", { remote: "http://user:pass@host:8080/r.git" }],
  ["git://host/any/path", { remote: "git://host/any/path" }],
  ["ssh://git@host:22/repo#v1", { remote: "ssh://git@host:22/repo", ref: "v1" }],
  ["git@host:user/repo.git#v1:d", { remote: "git@host:user/repo.git", ref: "v1", subdir: "d" }],
  ["deploy@host.example:repo?branch=b", { remote: "deploy@host.example:repo", ref: "refs/heads/b" }],
  ["github.com/user/repo#v1", { remote: "https://github.com/user/repo", ref: "v1", mayBeLocal: true }],
  [`${HTTPS}?ref=v1&subdir=d`, { remote: HTTPS, ref: "v1", subdir: "d" }],
  [`${HTTPS}?ref=v1#v1`, { remote: HTTPS, ref: "v1" }],
  [`${HTTPS}?tag=v1`, { remote: HTTPS, ref: "refs/tags/v1" }],
  [`${HTTPS}?tag=refs/tags/v1`, { remote: HTTPS, ref: "refs/tags/v1" }],
  [`${HTTPS}?checksum=abc123`, { remote: HTTPS, ref: "abc123", checksum: "abc123" }],
  [`${HTTPS}?commit=abc123&branch=b`, { remote: HTTPS, ref: "refs/heads/b", checksum: "abc123" }],
  [`${HTTPS}?keep-git-dir`, { remote: HTTPS, keepGitDir: true }],
  [`${HTTPS}?keep-git-dir=0&submodules=false`, { remote: HTTPS, keepGitDir: false, submodules: false }],
  [`${HTTPS}?mtime=commit&fetch-by-commit=true`, { remote: HTTPS }],
];

for (const [text, expected] of READ) {
  test(`${text} is read`, () => assert.equal(parseGitReference(text), { mayBeLocal: false, ...expected }));
}

const NONE = [
  "https://host/file.tar",
  "https://host/repo.git/",
  "https://host/x?y=.git",
  "./a.git",
  "../a@b:c",
  "a/b.git",
];
for (const text of [...NONE, "ftp://host/repo.git", "file:///repo.git", "host:path", "C:\\\\repo.git", ""]) {
  test(`${JSON.stringify(text)} is none`, () => assert.is(parseGitReference(text), undefined));
}

const REFUSED: readonly (readonly [query: string, message: string])[] = [
  ["?brunch=x", 'unexpected query "brunch"'],
  ["?ref=", 'query "ref" has no value'],
  ["?ref=a&ref=b", 'query "ref" has multiple values'],
  ["?ref=a#b", 'ref conflicts: "b" vs "a"'],
  ["?subdir=a#:b", 'subdir conflicts: "b" vs "a"'],
  ["?tag=v1&ref=v2", 'ref conflicts: "v2" vs "refs/tags/v1"'],
  ["?tag=v1&branch=b", "branch conflicts with tag"],
  ["?keep-git-dir=maybe", 'invalid keep-git-dir value: "maybe"'],
  ["?submodules=x", 'invalid submodules value: "x"'],
];

for (const [query, message] of REFUSED) {
  test(`${query} is refused`, () => {
    const isOurs = (error: unknown) => error instanceof BuildError && error.code === "INVALID_GIT_REFERENCE";
    assert.throws(
      () => parseGitReference(HTTPS + query),
      (error: Error) => isOurs(error) && error.message === message,
    );
  });
}

test("other HTTP addresses are files", () => {
  const files = [
    "https://host/a",
    "http://host/repo.git/",
    "https://host/a.git.tar",
    HTTPS,
    "git://host/x",
    "httpx://h",
  ];
  assert.equal(files.filter(isHttpUrl), files.slice(0, 3));
});

test.run();
