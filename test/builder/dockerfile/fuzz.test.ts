// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of Dockerfiles
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import {
  expandWord,
  expandWords,
  IgnoreMatcher,
  parseDockerfile,
  parseDockerignore,
} from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { renderSourceFrame } from "../../../builder/source-frame.ts";

const FIXTURES = join(import.meta.dirname, "../../conformance/fixtures");
const ROUNDS = 4_000;
const SLOW_CPU_MS = 1_000;
const PIECES =
  "\\ ` \n \r \t \f \u00a0 # = \" ' [ ] { } $ ${ } << <<- <<EOF EOF -- --from= : ? * ** ! , FROM RUN COPY ONBUILD ENV # escape=` \ufeff \u0000 \ud800 😀 \u001b[31m".split(
    " ",
  );

const suite = createSuite("dockerfile fuzz");

/** mulberry32: the same mutations in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function mutate(text: string, below: (limit: number) => number): string {
  let result = text;
  for (let edits = 1 + below(6); edits > 0; edits--) {
    const at = below(result.length + 1);
    const to = Math.min(result.length, at + below(20));
    const piece = PIECES[below(PIECES.length)] ?? "";
    const inserted = [piece, "", result.slice(at, to).repeat(2)][below(3)] ?? "";
    result = result.slice(0, at) + inserted + result.slice(below(2) === 0 ? at : to);
  }
  return result;
}

function corpus(): readonly string[] {
  const traps: readonly { doc: string }[] = JSON.parse(readFileSync(join(FIXTURES, "dockerfile-traps.json"), "utf8"));
  const folder = join(FIXTURES, "buildkit-parser/testfiles");
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name, "Dockerfile"), "utf8"));
  return [...files, ...traps.map(({ doc }) => doc).filter((doc) => doc.length < 10_000)];
}

/** Whatever the input, there is a result or a BuildError that can be shown, soon. */
function survives(input: string, use: (input: string) => unknown): void {
  const start = process.cpuUsage();
  try {
    use(input);
  } catch (error) {
    if (!(error instanceof BuildError)) throw new Error(`on ${JSON.stringify(input)}`, { cause: error });
    if (error.source && error.range) checkFrame(renderSourceFrame(error.source, error.range), input);
  }
  assert.ok(process.cpuUsage(start).user < SLOW_CPU_MS * 1_000, `slow: ${JSON.stringify(input)}`);
}

function checkFrame(frame: string, input: string): void {
  assert.not.match(frame, "\u001b");
  assert.match(frame, /\^|>/, JSON.stringify(input));
}

suite("mutated Dockerfiles parse or fail with a BuildError", () => {
  const below = random(1);
  const texts = corpus();
  for (let round = 0; round < ROUNDS; round++)
    survives(mutate(texts[round % texts.length] ?? "", below), parseDockerfile);
});

suite("mutated words expand or fail with a BuildError", () => {
  const below = random(2);
  const table = readFileSync(join(FIXTURES, "buildkit-shell/envVarTest"), "utf8");
  const words = table.split("\n").map((line) => line.split("|")[1] ?? "");
  const environment = new Map([
    ["PWD", "/home/*"],
    ["NULL", ""],
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    const word = mutate(words[round % words.length] ?? "", below);
    survives(word, (text) => expandWord(text, environment));
    survives(word, (text) => expandWords(text, environment, { rawQuotes: true, rawEscapes: true, skipUnsetEnv: true }));
  }
});

suite("mutated .dockerignore files compile and match or fail with a BuildError", () => {
  const below = random(3);
  const cases: readonly { file: string; path: string }[] = JSON.parse(
    readFileSync(join(FIXTURES, "dockerignore.json"), "utf8"),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const { file = "", path = "" } = cases[round % cases.length] ?? {};
    survives(mutate(file, below), (text) => new IgnoreMatcher(parseDockerignore(text)).isIgnored(path));
  }
});

suite.run();
