import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { IgnoreMatcher, parseDockerignore } from "../../builder/dockerfile/index.ts";
import { digestSelection, type IgnoreRule, listDirectory, type TreeSource } from "../../runtime-core/index.ts";
import { context, copy, link, listing, select, writable } from "./tree-fixture.ts";

interface IgnoreCase {
  readonly title: string;
  readonly file: string;
  readonly path: string;
  readonly walk: boolean | "ERR";
}

const fixture = join(import.meta.dirname, "../conformance/fixtures/dockerignore.json");
const cases: readonly IgnoreCase[] = JSON.parse(readFileSync(fixture, "utf8"));
const suite = createSuite("tree: .dockerignore");

/** A context of empty files with the rules of a .dockerignore text. */
function ignoring(text: string, ...files: readonly string[]): TreeSource {
  const things = Object.fromEntries(files.map((path) => [path, ""]));
  return { ...context(things), ignore: parseDockerignore(text) };
}

/** What a COPY of everything brings. */
async function kept(source: TreeSource, exclude: readonly IgnoreRule[] = []): Promise<string[]> {
  const rootfs = writable();
  await copy(rootfs, { ...select(source, "/"), exclude }, "/");
  return Object.keys(listing(rootfs.upper));
}

for (const { title, file, path, walk } of cases.filter((one) => one.walk !== "ERR")) {
  suite(`${title}: ${path}`, async () => {
    assert.is((await kept(ignoring(file, path))).includes(path), !walk);
  });
}

const walks: readonly {
  readonly name: string;
  readonly text: string;
  readonly files: readonly string[];
  readonly kept: readonly string[];
}[] = [
  {
    name: "the ignored parents of a kept file exist, and nothing else of them",
    text: "*\n!a/b/keep",
    files: ["a/b/keep", "a/b/other", "a/c/d", "e"],
    kept: ["a", "a/b", "a/b/keep"],
  },
  {
    name: "an ignored directory without a kept file does not exist",
    text: "a\n!**/keep",
    files: ["a/b/c", "d"],
    kept: ["d"],
  },
  {
    name: "a directory that is not ignored exists when all in it is",
    text: "a/*",
    files: ["a/b", "a/c/d"],
    kept: ["a"],
  },
  {
    name: "siblings after an ignored directory see their own parents",
    text: "*\n!a/x/keep\n!b/keep",
    files: ["a/w/no", "a/x/keep", "a/y/no", "b/keep", "c/no"],
    kept: ["a", "a/x", "a/x/keep", "b", "b/keep"],
  },
];

for (const { name, text, files, kept: expected } of walks) {
  suite(name, async () => {
    assert.equal(await kept(ignoring(text, ...files)), expected);
  });
}

suite("walks what the TypeScript matcher walks, over random rules and trees", async () => {
  const files = ["a", "b/a", "b/c", "c/a/b", "c/b/a", "c/ab", "d/a/b/c", "ab/b", "b.txt", "c/b.txt"];
  const pieces = ["a", "b", "c", "d", "*", "**", "?", "[a-b]", "ab", "*.txt", "/", "/"];
  let seed = 1;
  const next = (limit: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * limit);
  };
  const pattern = () => Array.from({ length: 1 + next(4) }, () => pieces[next(pieces.length)]).join("");
  const things = Object.fromEntries(files.map((path) => [path, ""]));
  const tree = context(things);
  for (let round = 0; round < 300; round++) {
    const lines = Array.from({ length: 1 + next(4) }, () => (next(3) === 0 ? "!" : "") + pattern());
    const rules = parseDockerignore(lines.join("\n"));
    const matcher = new IgnoreMatcher(rules);
    const arrived = await kept({ ...tree, ignore: rules });
    const expected = files.filter((path) => !matcher.isIgnored(path)).sort();
    assert.equal(
      arrived.filter((path) => files.includes(path)),
      expected,
      lines.join(" | "),
    );
  }
});

suite("an ignored literal is not found, nor one below an ignored directory, nor through a symlink to one", async () => {
  const source = {
    ...context({ "dir/a": "", b: "", to: { type: "link", text: "dir" } }),
    ignore: parseDockerignore("dir\nb"),
  };
  for (const path of ["/dir", "/dir/a", "/b", "/to", "/to/a"]) {
    const error = await digestSelection(select(source, path)).catch((e: { code: string }) => e);
    assert.is("code" in error && error.code, "NOT_FOUND", path);
  }
});

suite("a symlink that is itself ignored leads nowhere", async () => {
  const source = { ...context({ "dir/a": "", to: { type: "link", text: "dir" } }), ignore: parseDockerignore("to") };
  const error = await digestSelection(select(source, "/to/a")).catch((e: { code: string }) => e);
  assert.is("code" in error && error.code, "NOT_FOUND");
});

suite("an ignored directory with something kept in it can be copied by name", async () => {
  const source = ignoring("dir\n!dir/keep", "dir/keep", "dir/other");
  const rootfs = writable();
  await copy(rootfs, select(source, "/dir"), "/x/");
  assert.equal(Object.keys(listing(rootfs.upper)), ["x", "x/keep"]);
});

suite("a pattern does not match what is ignored", async () => {
  const source = ignoring("*.md", "a.md", "b.txt");
  const rootfs = writable();
  await copy(rootfs, { source, paths: ["/*"], wildcards: true }, "/x/");
  assert.equal(Object.keys(listing(rootfs.upper)), ["x", "x/b.txt"]);
});

suite("--exclude is relative to each source, and a matched file is measured by its name", async () => {
  const source = ignoring("", "a/x.txt", "a/x.md", "a/sub/y.txt", "one.txt", "two.md");
  const exclude = parseDockerignore("*.txt");
  const rootfs = writable();
  await copy(rootfs, { ...select(source, "/a"), exclude }, "/dir/");
  await copy(rootfs, { source, paths: ["/*.*"], wildcards: true, exclude }, "/files/");
  const expected = ["dir", "dir/sub", "dir/sub/y.txt", "dir/x.md", "files", "files/two.md"];
  assert.equal(Object.keys(listing(rootfs.upper)), expected);
});

suite("the names in a directory, without those that are ignored", async () => {
  const source = ignoring("node_modules\n*.log", "package.json", "a.log", "node_modules/x", "src/b");
  assert.equal(await listDirectory(source, "/"), ["package.json", "src"]);
  assert.equal(await listDirectory(source, "/none"), []);
  assert.equal(await listDirectory(source, "/package.json"), []);
});

suite("a link that leads nowhere is no name that can be copied, and one that leads to itself is a name", async () => {
  const source = context({ a: "", dangling: link("nowhere"), loop: link("loop") });
  assert.equal(await listDirectory(source, "/"), ["a", "loop"]);
});

suite.run();
