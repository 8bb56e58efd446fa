import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { importsOf } from "./helpers/imports.ts";
import { listTestFiles } from "./runner/jobs.ts";

const architecture = suite("architecture");

const MODULES = ["builder", "registry-client", "layers", "runtime-core"] as const;

/** Which module may import which, always through its index.ts. */
const MODULE_TABLE: Readonly<Record<string, readonly string[]>> = {
  builder: ["layers", "registry-client", "runtime-core"],
  layers: ["registry-client", "runtime-core"],
  "registry-client": [],
  "runtime-core": [],
};

/** The builder's top-level files that every part of it may import: what they are made of, not what drives them. */
const VOCABULARY = [
  "boolean",
  "byte-size",
  "csv",
  "duration",
  "errors",
  "events",
  "failed-step",
  "housekeeping-options",
  "limit-flags",
  "network-rule",
  "options",
  "run-options",
  "suggest",
  "usage-filter",
];

/** What the CLI may import of the top level. It builds through index.ts, which it loads only for a build: help and usage errors come at once. */
const CLI_MAY = ["index", ...VOCABULARY, "output-place", "source-frame", "store-location", "text-layout"];

/** Inside builder: which folder may import which. `.` is the builder's top level, which may import every folder but cli. */
const BUILDER_TABLE: Readonly<Record<string, readonly string[]>> = {
  dockerfile: [],
  llb: ["dockerfile"],
  lint: ["dockerfile"],
  dispatch: ["dockerfile", "lint", "llb"],
  solver: ["llb"],
  // What is fetched from elsewhere: HTTP files and git checkouts, for ADD and for contexts.
  sources: ["dockerfile"],
  // The agent protocol of SSH.
  ssh: [],
  ops: ["llb", "solver", "dockerfile", "sources", "ssh"],
  // dispatch makes the image's config beside the graph; export finishes it.
  export: ["llb", "solver", "dispatch"],
  cli: ["."],
};

/** Packages that one file of ours wraps, so that they can be replaced. */
const WRAPPED: Readonly<Record<string, string>> = {
  "dockerfile-ast": "builder/dockerfile/ast.ts",
  "node-fetch": "registry-client/transport.ts",
  "tar-fs": "layers/archive.ts",
};

const MAX_LINES = 400;

const sources = MODULES.flatMap((module) => listSources(module));

architecture("a module imports only the modules it may, through their index.ts", () => {
  const offences = crossings().filter(({ from, to, target }) => {
    const allowed = MODULE_TABLE[from]?.includes(to) ?? false;
    return !(allowed && target === `${to}/index.ts`);
  });
  assert.equal(
    offences.map(({ line }) => line),
    [],
  );
});

architecture("inside builder, a folder imports only the folders it may", () => {
  const offences = sources.filter((file) => file.startsWith("builder/")).flatMap(builderOffences);
  assert.equal(offences, []);
});

architecture("a wrapped package is imported by its wrapper alone", () => {
  const offences = sources.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => WRAPPED[specifier] !== undefined && WRAPPED[specifier] !== file)
      .map((specifier) => `${file} imports ${specifier}; only ${WRAPPED[specifier]} may`),
  );
  assert.equal(offences, []);
});

architecture("relative imports name the file with its .ts", () => {
  const files = [...sources, ...listSources("test"), ...listSources("scripts")];
  const offences = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith(".") && !/\.(ts|cjs|json)$/.test(specifier))
      .map((specifier) => `${file} imports ${specifier}`),
  );
  assert.equal(offences, []);
});

architecture("every test file ends in .run()", () => {
  const offences = listTestFiles().filter((file) => !/\.run\(\);\s*$/.test(readFileSync(file, "utf8")));
  assert.equal(offences, []);
});

architecture(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = [...sources, ...listRust()]
    .map((file) => ({ file, lines: readFileSync(file, "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.equal(
    long.map(({ file, lines }) => `${file}: ${lines} lines`),
    [],
  );
});

architecture("each subpath of the package resolves to a built file with typings", async () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const [subpath, file] of Object.entries<string>(exports)) {
    assert.ok(existsSync(file), `${subpath} is ${file}, which is not built`);
    if (!file.endsWith(".js")) continue;
    assert.ok(existsSync(file.replace(/\.js$/, ".d.ts")), `${subpath} has no typings`);
    const module = await import(join(process.cwd(), file));
    assert.ok(Object.keys(module).length > 0, `${subpath} exports nothing`);
  }
});

interface Crossing {
  readonly from: string;
  readonly to: string;
  readonly target: string;
  readonly line: string;
}

function crossings(): Crossing[] {
  return sources.flatMap((file) =>
    relativeTargets(file)
      .map((target) => ({ from: moduleOf(file), to: moduleOf(target), target, line: `${file} imports ${target}` }))
      .filter(({ from, to }) => from !== to),
  );
}

function builderOffences(file: string): string[] {
  const from = builderFolder(file);
  const isAllowed = (target: string) => {
    const to = builderFolder(target);
    if (to === from) return true;
    if (from === ".") return to !== "cli";
    if (to === ".") return (from === "cli" ? CLI_MAY : VOCABULARY).includes(baseName(target));
    return BUILDER_TABLE[from]?.includes(to) ?? false;
  };
  const targets = relativeTargets(file).filter((target) => target.startsWith("builder/"));
  return targets.filter((target) => !isAllowed(target)).map((target) => `${file} imports ${target}`);
}

function relativeTargets(file: string): string[] {
  const specifiers = importsOf(file).filter((specifier) => specifier.startsWith("."));
  return specifiers.map((specifier) => posix.join(posix.dirname(file), specifier));
}

function moduleOf(file: string): string {
  return file.split("/")[0] ?? "";
}

function builderFolder(file: string): string {
  const parts = file.split("/");
  return parts.length > 2 ? (parts[1] ?? "") : ".";
}

function baseName(file: string): string {
  return posix.basename(file, ".ts");
}

function listSources(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const isSource = (path: string) => path.endsWith(".ts") && !/(^|\/)(target|node_modules|fixtures)\//.test(path);
  return paths.filter(isSource).map((path) => `${folder}/${path}`);
}

function listRust(): string[] {
  const paths = readdirSync("runtime-core", { recursive: true, encoding: "utf8" });
  return paths
    .filter((path) => path.endsWith(".rs") && !/(^|\/)target\//.test(path))
    .map((path) => `runtime-core/${path}`);
}

architecture.run();
