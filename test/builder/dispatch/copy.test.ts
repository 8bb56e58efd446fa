import { suite } from "uvu";
import * as assert from "uvu/assert";
import { failureOf, history, ops, textAt, vertices } from "./harness.ts";

const test = suite("COPY");

async function copies(line: string, before = "") {
  const all = await ops("file", `FROM a\n${before}${line}\n`);
  return all.at(-1)?.actions ?? [];
}

const plain = { type: "copy", input: 1, wildcards: false } as const;

test("COPY cleans its paths against the root of the context", async () => {
  assert.equal(await copies("COPY ../a ./b/ c"), [
    { ...plain, paths: ["/a"], dest: "/c" },
    { ...plain, paths: ["/b"], dest: "/c" },
  ]);
});

for (const [dest, expected] of [
  ["c", "/w/c"],
  [".", "/w/"],
  ["./", "/w/"],
  ["/", "/"],
  ["/x/.", "/x/"],
  ["../../x/", "/x/"],
] as const) {
  test(`COPY to ${dest} in /w writes to ${expected}`, async () => {
    assert.equal(await copies(`COPY a ${dest}`, "WORKDIR /w\n"), [{ ...plain, paths: ["/a"], dest: expected }]);
  });
}

for (const [source, path, wildcards] of [
  ["*.txt", "/*.txt", true],
  ["a[b]c", "/a[b]c", true],
  ["a\\\\*b", "/a\\*b", false],
] as const) {
  test(`COPY ${source} ${wildcards ? "is a pattern" : "is a name"}`, async () => {
    assert.equal(await copies(`COPY ${source} /d/`), [{ ...plain, paths: [path], wildcards, dest: "/d/" }]);
  });
}

test("--chown and --chmod go with every source, --exclude not with heredocs", async () => {
  const text = "COPY --chown=app:1 --chmod=640 --exclude=*.md a <<F /d/\nx\nF";
  const [first, second] = await copies(text);
  const common = { owner: "app:1", mode: 0o640, dest: "/d/" };
  const exclude = [{ negated: false, kind: "regexp", text: "[^/]*\\.md" }];
  assert.equal(first, { ...plain, ...common, paths: ["/a"], exclude });
  assert.equal(second, { ...plain, ...common, input: 2, paths: ["/F"] });
  assert.equal(await history(`FROM a\n${text}\n`), ["COPY --chown=app:1 --chmod=640 a <<F /d/ # buildkit"]);
});

test("--link makes the same layer on nothing and merges it", async () => {
  assert.equal(await copies("COPY --link a /b"), await copies("COPY a /b"));
  const [merge, files] = (await vertices("FROM a\nRUN x\nCOPY --link a /b\n")).toReversed();
  assert.equal([merge?.op.type, merge?.name], ["merge", "[3/3] LINK COPY --link a /b"]);
  assert.equal(
    merge?.inputs.map(({ vertex }) => vertex.op.type),
    ["exec", "file"],
  );
  assert.is(files?.inputs[0]?.vertex.op.type, "scratch");
});

test("a --link layer is the same vertex on any stage, and on scratch needs no merge", async () => {
  const digestOn = async (base: string) => {
    const all = await vertices(`FROM ${base}\nCOPY --link --chown=1:2 a /b\n`);
    return all.find(({ op }) => op.type === "file")?.digest;
  };
  assert.is(await digestOn("a"), await digestOn("b"));
  assert.is(await digestOn("a"), await digestOn("scratch"));
  assert.is((await vertices("FROM scratch\nCOPY --link a /b\n")).at(-1)?.op.type, "file");
});

test("--link has no effect beside --chmod, which directories on the way get too", async () => {
  const line = "--chmod=600 --chown=app a /b";
  assert.equal(await copies(`COPY --link ${line}`), await copies(`COPY ${line}`));
  assert.is((await vertices(`FROM a\nCOPY --link ${line}\n`)).at(-1)?.op.type, "file");
});

test("no flag but --parents, --chown and --chmod is in the history", async () => {
  const line = "COPY --link --exclude=x --chmod=u=rwX,go= --from=a --parents --chown=1 a /b";
  assert.equal(await history(`FROM a\n${line}\n`), ["COPY --parents --chown=1 --chmod=u=rwX,go= a /b # buildkit"]);
});

const exact = (text: string) => ({ negated: false, kind: "exact", text });
for (const [source, path, expected] of [
  ["a/b/c", "/", { rules: ["a/b/c"], ancestors: ["a", "a/b"], required: ["/a/b/c"] }],
  ["./a/./b/c", "/a", { rules: ["b/c"], ancestors: ["b"], required: ["/a/b/c"] }],
  ["a/./b/./c/", "/a", { rules: ["b/c"], ancestors: ["b"], required: ["/a/b/c"] }],
  ["../a/../b", "/", { rules: ["b"], ancestors: [], required: ["/b"] }],
] as const) {
  test(`--parents ${source} takes ${expected.rules} of ${path}`, async () => {
    const [action] = await copies(`COPY --parents ${source} /x`);
    const { rules, ancestors, required } = expected;
    const include = { rules: rules.map(exact), ancestors: ancestors.map(exact), required };
    assert.equal(action, { ...plain, paths: [path], dest: "/x", include });
  });
}

for (const source of [".", "/", "./"]) {
  test(`--parents ${source} takes everything`, async () => {
    assert.equal(await copies(`COPY --parents ${source} /x`), [{ ...plain, paths: ["/"], dest: "/x" }]);
  });
}

test("--parents looks only into directories that a pattern may match in", async () => {
  const ancestorsOf = async (source: string) => {
    const [action] = await copies(`COPY --parents ${source} /x`);
    return action?.type === "copy" ? action.include?.ancestors.map(({ text }) => text) : undefined;
  };
  assert.equal(await ancestorsOf("a/*/c.json"), ["a", "a/[^/]*"]);
  assert.equal(await ancestorsOf("a/**/c.json"), ["a", "a/"]);
  assert.equal(await ancestorsOf("**/c.json"), [""]);
});

test("COPY --from reads a stage by name or index, or an image", async () => {
  const stage = "FROM a AS Build\nRUN x\nFROM b\n";
  for (const from of ["build", "BUILD", "0"]) {
    const last = (await vertices(`${stage}COPY --from=${from} /x /y\n`)).at(-1);
    assert.is(last?.inputs[1]?.vertex.op.type, "exec");
  }
  const outside = (await vertices(`${stage}COPY --from=nginx:1 /x /y\n`)).at(-1);
  const op = outside?.inputs[1]?.vertex.op;
  assert.is(op?.type === "image" && op.reference, "docker.io/library/nginx:1");
});

test("the ranges of a COPY's words are kept for errors", async () => {
  const copy = (await vertices("FROM a\nCOPY --chown=u one ./two /d/\n")).at(-1);
  assert.equal(
    [...(copy?.wordRanges ?? [])].map(([path, range]) => [path, range.start.column]),
    [
      ["/one", 16],
      ["/two", 20],
      ["destination", 26],
      ["--chown", 14],
    ],
  );
});

test("sources that the context is read for are one input", async () => {
  const copy = (await vertices("FROM a\nCOPY one two three /d/\n")).at(-1);
  assert.is(copy?.inputs.length, 2);
  assert.is(copy?.inputs[1]?.vertex.name, "[internal] load build context");
});

for (const [code, word, line] of [
  ["INVALID_CHMOD", "9999", "COPY --chmod=9999 a /b"],
  ["INVALID_CHMOD", "888", "COPY --chmod=888 a /b"],
  ["INVALID_CHMOD", "17777", "COPY --chmod=17777 a /b"],
  ["INVALID_CHMOD", "u+q", "COPY --chmod=u+q a /b"],
  ["INVALID_CHMOD", "rwx", "COPY --chmod=rwx a /b"],
  ["INVALID_EXCLUDE", "[a", "COPY --exclude=b --exclude=[a a /b"],
  ["INVALID_EXCLUDE", "!", "COPY --exclude=! a /b"],
  ["BAD_PATTERN", "a/[b", "COPY --parents a/[b /b"],
  ["INVALID_CHOWN", "app:1", "COPY --link --chown=app:1 a /b"],
  ["INVALID_CHOWN", "1:app", "COPY --link --chown=1:app a /b"],
  ["INVALID_COPY_SOURCE", "https://x/y", "COPY --parents https://x/y /b"],
  ["INVALID_COPY_SOURCE", "me@host:repo", "COPY me@host:repo /b"],
] as const) {
  test(`${line} gives ${code} at ${word}`, async () => {
    const error = await failureOf(`FROM a\n${line}\n`);
    assert.equal([error.code, textAt(error)], [code, word]);
    assert.ok(error.hint);
  });
}

test("--link takes numbers and root as owners", async () => {
  for (const owner of ["0", "1:2", "root", "root:root", ":5", "7:"]) {
    assert.is((await copies(`COPY --link --chown=${owner} a /b`)).length, 1);
  }
});

test.run();
