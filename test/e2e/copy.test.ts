import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type BuildOptions, build } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { failureOf } from "../helpers/failure.ts";
import { listTree } from "../helpers/file-tree.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("e2e: COPY");

const MONOREPO = {
  "packages/a/package.json": "a",
  "packages/a/src/main.ts": "main",
  "packages/a/src/main.test.ts": "test",
  "packages/b/package.json": "b",
  "packages/b/node_modules/x/package.json": "x",
  "README.md": "readme",
};

/** A build whose `FROM busybox` is the image made of Debian's busybox-static. */
async function buildHere(context: string, store: string, options: Partial<BuildOptions> = {}): Promise<void> {
  const busybox = `oci-layout://${await baseImage("busybox")}:latest`;
  await build({ context, store, buildContexts: { busybox }, ...options });
}

/** The files of the image that these lines make of the files. */
async function built(files: Readonly<Record<string, string>>, ...lines: readonly string[]): Promise<string[]> {
  const context = makeContext({ ...files, Dockerfile: dockerfile(...lines) });
  const dest = join(makeTempDir("out"), "files");
  await buildHere(context, makeTempDir("store"), { outputs: [{ type: "local", dest }] });
  return listTree(dest, { texts: true });
}

const CASES: readonly [name: string, lines: readonly string[], expected: readonly string[]][] = [
  [
    "--parents keeps the directories of what a pattern matches",
    ["COPY --parents packages/*/package.json /x/"],
    [
      "/x dir 755 0:0",
      "/x/packages dir 755 0:0",
      "/x/packages/a dir 755 0:0",
      '/x/packages/a/package.json file 644 0:0 "a"',
      "/x/packages/b dir 755 0:0",
      '/x/packages/b/package.json file 644 0:0 "b"',
    ],
  ],
  [
    "--parents keeps only what is behind the pivot, and --exclude leaves out",
    ["COPY --parents --exclude=**/*.test.ts packages/./*/src/** /x/"],
    ["/x dir 755 0:0", "/x/a dir 755 0:0", "/x/a/src dir 755 0:0", '/x/a/src/main.ts file 644 0:0 "main"'],
  ],
  [
    "--exclude takes back what a later ! names",
    ["COPY --exclude=** --exclude=!a/src/main.ts --exclude=!b/package.json packages /x"],
    [
      "/x dir 755 0:0",
      "/x/a dir 755 0:0",
      "/x/a/src dir 755 0:0",
      '/x/a/src/main.ts file 644 0:0 "main"',
      "/x/b dir 755 0:0",
      '/x/b/package.json file 644 0:0 "b"',
    ],
  ],
  [
    "--chmod and --chown hold for all that is made",
    ["ARG MODE=u=rwX,go=", "COPY --parents --chown=3:4 --chmod=$MODE packages/a/package.json /x/"],
    [
      "/x dir 755 3:4",
      "/x/packages dir 700 3:4",
      "/x/packages/a dir 700 3:4",
      '/x/packages/a/package.json file 600 3:4 "a"',
    ],
  ],
  [
    "--link on --link, files and heredocs",
    ["COPY --link packages/a /x", "COPY --link --chown=3:4 <<F README.md /x/src/", "text", "F"],
    [
      "/x dir 755 3:4",
      '/x/package.json file 644 0:0 "a"',
      "/x/src dir 755 3:4",
      '/x/src/F file 644 3:4 "text\\n"',
      '/x/src/README.md file 644 3:4 "readme"',
      '/x/src/main.test.ts file 644 0:0 "test"',
      '/x/src/main.ts file 644 0:0 "main"',
    ],
  ],
  ["the root of scratch is an empty directory", ["COPY --from=scratch / /x"], ["/x dir 755 0:0"]],
];

for (const [name, lines, expected] of CASES) {
  test(name, async () => {
    assert.equal(await built(MONOREPO, "FROM scratch", ...lines), expected);
  });
}

test("--link follows no symlink of the stage, and what it puts there can be changed", async () => {
  const lines = [
    "FROM busybox AS made",
    "RUN mkdir -m 711 /real && echo old > /real/old && ln -s real /alias",
    "COPY --link file /alias/",
    "RUN echo more >> /alias/file && ls /alias /real > /seen",
    "FROM scratch",
    "COPY --from=made /alias /alias",
    "COPY --from=made /seen /real* /",
  ];
  assert.equal(await built({ file: "text\n" }, ...lines), [
    "/alias dir 755 0:0",
    '/alias/file file 644 0:0 "text\\nmore\\n"',
    '/old file 644 0:0 "old\\n"',
    '/seen file 644 0:0 "/alias:\\nfile\\n\\n/real:\\nold\\n"',
  ]);
});

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

/** Builds to an OCI layout: the layers of the image, and the names of the vertices that came from the cache. */
async function layersOf(context: string, store: string): Promise<{ layers: readonly string[]; cached: string[] }> {
  const dest = join(makeTempDir("layout"), "oci");
  const cached: string[] = [];
  await buildHere(context, store, {
    outputs: [{ type: "oci", dest, tar: false }],
    onEvent: (event) => {
      if (event.type === "vertex" && event.state === "cached") cached.push(event.name);
    },
  });
  const read = (path: string) => JSON.parse(readFileSync(join(dest, path), "utf8"));
  const [{ digest }] = read("index.json").manifests;
  const manifest: Manifest = read(join("blobs", digest.replace(":", "/")));
  return { layers: manifest.layers.map((layer) => layer.digest), cached };
}

test("--link makes the same layer on any stage, and a rebase takes it from the cache", async () => {
  const store = makeTempDir("store");
  const on = (...lines: readonly string[]) =>
    makeContext({ Dockerfile: dockerfile(...lines, "COPY --link dir /app/x"), "dir/file": "text" });
  const plain = await layersOf(on("FROM busybox"), store);
  const rebased = await layersOf(on("FROM busybox", "RUN mkdir -m 700 /app && echo changed > /app/y"), store);
  assert.ok(rebased.cached.includes("[3/3] COPY --link dir /app/x"));
  assert.is(rebased.layers.at(-1), plain.layers.at(-1));
  const elsewhere = await layersOf(
    on("FROM busybox", "RUN mkdir -p /app/x && echo text > /app/x/file"),
    makeTempDir("s"),
  );
  assert.is(elsewhere.layers.at(-1), plain.layers.at(-1));
});

const LINE = "COPY --exclude=*.md --parents packages/*/package.json /x/";
const CHANGES: readonly [change: string, make: (context: string) => void, isCached: boolean][] = [
  [
    "a file that no pattern matches",
    (context) => writeFileSync(join(context, "packages/a/src/main.ts"), "other"),
    true,
  ],
  ["a new file beside", (context) => writeFileSync(join(context, "packages/a/other.json"), "new"), true],
  ["a mode that is not copied", (context) => chmodSync(join(context, "README.md"), 0o600), true],
  [
    "a file of the same content written again",
    (context) => writeFileSync(join(context, "packages/a/package.json"), "a"),
    true,
  ],
  ["a content", (context) => writeFileSync(join(context, "packages/a/package.json"), "A"), false],
  ["a mode", (context) => chmodSync(join(context, "packages/a/package.json"), 0o600), false],
  ["a directory's mode", (context) => chmodSync(join(context, "packages/a"), 0o700), false],
  ["a directory's name", (context) => renameSync(join(context, "packages/a"), join(context, "packages/c")), false],
  [
    "one more match",
    (context) => {
      mkdirSync(join(context, "packages/c"));
      writeFileSync(join(context, "packages/c/package.json"), "c");
    },
    false,
  ],
];

for (const [change, make, isCached] of CHANGES) {
  test(`${change} ${isCached ? "hits" : "misses"} the cache`, async () => {
    const context = makeContext({ ...MONOREPO, Dockerfile: dockerfile("FROM busybox", LINE) });
    const store = makeTempDir("store");
    const before = await layersOf(context, store);
    make(context);
    const after = await layersOf(context, store);
    assert.is(after.cached.includes(`[2/2] ${LINE}`), isCached);
    assert.is(after.layers.at(-1) === before.layers.at(-1), isCached);
  });
}

interface Refused {
  readonly line: string;
  readonly code: string;
  readonly message: string;
  /** What the range covers. */
  readonly word: string;
  readonly hint: string;
}

const REFUSED: readonly Refused[] = [
  {
    line: "COPY READM.md packages/a/package.json /x/",
    code: "COPY_SOURCE_NOT_FOUND",
    message: "COPY source not found: READM.md",
    word: "READM.md",
    hint: "did you mean README.md?",
  },
  {
    line: "COPY README.md package/a/src /x/",
    code: "COPY_SOURCE_NOT_FOUND",
    message: "COPY source not found: package/a/src",
    word: "package/a/src",
    hint: "did you mean packages/a/src?",
  },
  {
    line: "COPY readme.MD /x/",
    code: "COPY_SOURCE_NOT_FOUND",
    message: "COPY source not found: readme.MD",
    word: "readme.MD",
    hint: "did you mean README.md?",
  },
  {
    line: "COPY ignored/file /x/",
    code: "COPY_SOURCE_NOT_FOUND",
    message: "COPY source not found: ignored/file",
    word: "ignored/file",
    hint: "it is there, but .dockerignore leaves it out of the context",
  },
  {
    line: "COPY --parents packages/c/package.json /x/",
    code: "COPY_SOURCE_NOT_FOUND",
    message: "COPY source not found: packages/c/package.json",
    word: "packages/c/package.json",
    hint: "did you mean packages/a/package.json?",
  },
  {
    line: "COPY --chown=ww-data README.md /x",
    code: "USER_NOT_FOUND",
    message: "unknown user ww-data: /etc/passwd of this stage has no such entry",
    word: "ww-data",
    hint: "did you mean www-data?",
  },
  {
    line: "COPY --chown=1:staf README.md /x",
    code: "GROUP_NOT_FOUND",
    message: "unknown group staf: /etc/group of this stage has no such entry",
    word: "1:staf",
    hint: "did you mean staff?",
  },
  {
    line: "COPY README.md packages/a/package.json /x",
    code: "COPY_SEVERAL_SOURCES",
    message: "When using COPY with more than one source file, the destination must be a directory and end with a /",
    word: "/x",
    hint: "put a / behind the destination",
  },
];

for (const { line, word, ...expected } of REFUSED) {
  test(`${line} is refused at ${word}`, async () => {
    const files = { ...MONOREPO, "ignored/file": "", ".dockerignore": "ignored\n" };
    const context = makeContext({ ...files, Dockerfile: dockerfile("FROM busybox", line) });
    const store = makeTempDir("store");
    const { code, message, hint, range } = await failureOf(BuildError, buildHere(context, store));
    assert.equal({ code, message, hint }, expected);
    const at = range === undefined ? "" : line.slice(range.start.column - 1, range.end.column - 1);
    assert.equal([range?.start.line, at], [2, word]);
    assert.equal(readdirSync(join(store, "tmp")), [], "nothing unfinished stays");
  });
}

test.run();
