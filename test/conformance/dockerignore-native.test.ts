import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { IgnoreMatcher, parseDockerignore } from "../../builder/dockerfile/index.ts";
import { type IgnoreRule, listDirectory } from "../../runtime-core/index.ts";

const cases: readonly { readonly file: string; readonly path: string; readonly walk: boolean | "ERR" }[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "fixtures/dockerignore.json"), "utf8"),
);
const PATHS = ["a", "b.log", "#c", "dir/a", "dir/b.log", "dir/sub/a", "dir/sub/!x", "한/é😀", "x-y/[z]"];
const PIECES = [
  "*",
  "**",
  "**/",
  "?",
  "/",
  "a",
  "b",
  ".log",
  "dir",
  "sub",
  "[ab]",
  "[^a]",
  "[!-]",
  "[a-z]",
  "\\",
  "!",
  "#",
  "😀",
  "x-y",
];

const suite = createSuite("conformance: .dockerignore in the native walk");
let root = "";
suite.before(() => {
  root = mkdtempSync(join(tmpdir(), "dockerignore-"));
});
suite.after(() => rmSync(root, { recursive: true, force: true }));

function makeTree(folder: string, paths: readonly string[]): string {
  const tree = join(root, folder);
  for (const path of paths) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), "");
  }
  return tree;
}

async function isListed(tree: string, path: string, ignore: readonly IgnoreRule[]): Promise<boolean> {
  const names = await listDirectory({ rootfs: { lowers: [tree] }, ignore }, `/${dirname(path)}`);
  return names.includes(basename(path));
}

suite("BuildKit's cases", async () => {
  for (const [index, { file, path, walk }] of cases.entries()) {
    if (walk === "ERR") continue;
    const tree = makeTree(`case-${index}`, [path]);
    assert.is(await isListed(tree, path, parseDockerignore(file)), !walk, `${JSON.stringify(file)}: ${path}`);
  }
});

suite("random rules: every pattern compiles, and both matchers agree", async () => {
  const tree = makeTree("random", PATHS);
  let state = 7;
  const below = (limit: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
  const pick = (): string => Array.from({ length: 1 + below(5) }, () => PIECES[below(PIECES.length)] ?? "").join("");
  let compared = 0;
  for (let round = 0; round < 500; round++) {
    const file = Array.from({ length: 1 + below(4) }, pick).join("\n");
    const rules = compileOrSkip(file);
    const matcher = new IgnoreMatcher(rules);
    for (const path of rules.length === 0 ? [] : PATHS) {
      assert.is(await isListed(tree, path, rules), !matcher.isIgnored(path), `${JSON.stringify(file)}: ${path}`);
      compared++;
    }
  }
  assert.ok(compared > 2_000);
});

function compileOrSkip(file: string): IgnoreRule[] {
  try {
    return parseDockerignore(file);
  } catch {
    return [];
  }
}

suite.run();
