import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, type BuildEvent, type BuildOptions, build } from "../../builder/index.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { type FileServer, serveFiles, sha256 } from "../helpers/file-server.ts";
import { listTree } from "../helpers/file-tree.ts";
import { type GitServer, serveGit, TestRepository } from "../helpers/git-server.ts";
import { makeTempDir } from "../helpers/temp.ts";

const add = suite("ADD");
const store = makeTempDir("add-store");
const repository = new TestRepository();
let files: FileServer;
let git: GitServer;

add.before(async () => {
  repository.commit({ "README.md": "one", "src/main.c": "int main;", "run.sh": "#!/bin/sh\n" });
  repository.git("tag", "v1");
  files = await serveFiles({ "/app.txt": "hello", "/a.tar": tarOf({ "in/f": "packed" }), "/dir/": "unnamed?" });
  git = await serveGit({ repo: repository });
});

add.after(async () => {
  await files?.close();
  await git?.close();
});

function tarOf(contents: Readonly<Record<string, string>>): Buffer {
  const context = makeContext(contents);
  return execFileSync("tar", ["--owner=3", "--group=4", "--mode=u=rwX,go=rX", "-c", ...Object.keys(contents)], {
    cwd: context,
  });
}

type Contents = Readonly<Record<string, string | Uint8Array>>;

interface Built {
  readonly tree: readonly string[];
  readonly digest: string;
  /** `state name` of what is an instruction. */
  readonly steps: readonly string[];
}

/** Builds a Dockerfile of these lines on scratch; the store is the same for all unless told otherwise. */
async function buildLines(
  lines: readonly string[],
  contents: Contents = {},
  more: Partial<BuildOptions> = {},
): Promise<Built> {
  const out = makeTempDir("out");
  const steps: string[] = [];
  const onEvent = (event: BuildEvent) => {
    if (
      event.type === "vertex" &&
      event.state !== "started" &&
      event.name.startsWith("[") &&
      !/^\[internal/.test(event.name)
    ) {
      steps.push(`${event.state} ${event.name.slice(0, 9)}`);
    }
  };
  const outputs = [{ type: "local", dest: out }] as const;
  const { descriptor } = await build({ store, context: contextOf(lines, contents), outputs, onEvent, ...more });
  return { tree: listTree(out, { texts: true }), digest: descriptor.digest, steps };
}

function contextOf(lines: readonly string[], contents: Contents): string {
  const context = makeContext({ Dockerfile: dockerfile("FROM scratch", ...lines) });
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(context, name), content);
  return context;
}

add("a local archive is unpacked, and only that", async () => {
  const packed = tarOf({ "in/f": "packed" });
  const { tree } = await buildLines(["ADD --unpack=false a.tar /as/it/is", "ADD a.tar text /x/"], {
    "a.tar": packed,
    text: "text",
  });
  assert.equal(
    tree.filter((line) => !line.startsWith("/as/it/is ")),
    [
      "/as dir 755 0:0",
      "/as/it dir 755 0:0",
      "/x dir 755 0:0",
      "/x/in dir 755 0:0",
      '/x/in/f file 644 3:4 "packed"',
      '/x/text file 644 0:0 "text"',
    ],
  );
  assert.ok(tree.some((line) => line.startsWith(`/as/it/is file 644 0:0 ${packed.length} `)));
});

add("a URL is a file of mode 0600, named as it is or as the destination says", async () => {
  const { tree } = await buildLines([
    `ADD ${files.origin}/app.txt /dir/`,
    `ADD ${files.origin}/app.txt /file`,
    `ADD --chown=7:8 --chmod=640 ${files.origin}/app.txt?q=1 /owned`,
    `ADD ${files.origin}/app.txt ${files.origin}/a.tar /two/`,
    `ADD --unpack=true ${files.origin}/a.tar /unpacked`,
  ]);
  const shown = tree.filter((line) => !line.startsWith("/two/a.tar"));
  assert.equal(shown, [
    "/dir dir 755 0:0",
    '/dir/app.txt file 600 0:0 "hello"',
    '/file file 600 0:0 "hello"',
    '/owned file 640 7:8 "hello"',
    "/two dir 755 0:0",
    '/two/app.txt file 600 0:0 "hello"',
    "/unpacked dir 755 0:0",
    "/unpacked/in dir 755 0:0",
    '/unpacked/in/f file 644 3:4 "packed"',
  ]);
});

add("the history shows the address, not the checksum", async () => {
  const context = contextOf([`ADD --checksum=${sha256("hello")} --chown=1:1 ${files.origin}/app.txt /x/`], {});
  const { config } = await build({ store, context });
  assert.is(config.history?.[0]?.created_by, `ADD --chown=1:1 ${files.origin}/app.txt /x/ # buildkit`);
});

add("a file that has not changed is asked for with its tag, and hits the cache; a changed one misses", async () => {
  files.files.set("/changing", "one");
  const lines = [`ADD ${files.origin}/changing /f`];
  const first = await buildLines(lines);
  files.log.length = 0;
  const second = await buildLines(lines);
  assert.equal(files.log, ["GET /changing 304 If-None-Match"]);
  assert.equal(second.steps, ["cached [1/1] ADD"]);
  assert.is(second.digest, first.digest);
  files.files.set("/changing", "two");
  const third = await buildLines(lines);
  assert.equal(third.tree, ['/f file 600 0:0 "two"']);
  assert.equal(third.steps, ["completed [1/1] ADD"]);
});

add("with a checksum a second build asks nobody", async () => {
  const lines = [`ARG SUM`, `ADD --checksum=$SUM ${files.origin}/app.txt /f`];
  const more = { buildArgs: { SUM: sha256("hello") } };
  await buildLines(lines, {}, more);
  files.log.length = 0;
  const { steps, tree } = await buildLines(lines, {}, more);
  assert.equal(files.log, []);
  assert.equal(steps, ["cached [1/1] ADD"]);
  assert.equal(tree, ['/f file 600 0:0 "hello"']);
});

add("a git repository, one of its tags, a directory of it", async () => {
  const { tree } = await buildLines([
    `ADD ${git.origin}/repo.git /whole`,
    `ADD --chown=3:4 ${git.origin}/repo.git#v1:src /src/`,
    `ADD --exclude=*.md ${git.origin}/repo.git?tag=v1 /some`,
  ]);
  assert.equal(tree, [
    "/some dir 755 0:0",
    '/some/run.sh file 755 0:0 "#!/bin/sh\\n"',
    "/some/src dir 755 0:0",
    '/some/src/main.c file 644 0:0 "int main;"',
    "/src dir 755 3:4",
    '/src/main.c file 644 3:4 "int main;"',
    "/whole dir 755 0:0",
    '/whole/README.md file 644 0:0 "one"',
    '/whole/run.sh file 755 0:0 "#!/bin/sh\\n"',
    "/whole/src dir 755 0:0",
    '/whole/src/main.c file 644 0:0 "int main;"',
  ]);
});

add("a commit that is known is not fetched again; a branch that has moved is", async () => {
  const lines = [`ADD ${git.origin}/repo.git#main /r`];
  await buildLines(lines);
  git.log.length = 0;
  const second = await buildLines(lines);
  assert.equal(second.steps, ["cached [1/1] ADD"]);
  // Which commit the branch is, and no more.
  assert.equal(git.log, ["GET /repo.git/info/refs?service=git-upload-pack", "POST /repo.git/git-upload-pack"]);
  const commit = repository.commit({ "README.md": "two" });
  const third = await buildLines([...lines, `ADD --checksum=${commit} ${git.origin}/repo.git /again`]);
  assert.ok(third.tree.includes('/r/README.md file 644 0:0 "two"'));
  assert.ok(third.tree.includes('/again/README.md file 644 0:0 "two"'));
});

add("the same files give the same image in a store that knows nothing", async () => {
  const lines = [`ADD ${files.origin}/app.txt /f`, `ADD ${git.origin}/repo.git#v1 /r`, "ADD a.tar /t"];
  const contents = { "a.tar": tarOf({ f: "packed" }) };
  const { digest } = await buildLines(lines, contents);
  assert.is((await buildLines(lines, contents, { store: makeTempDir("other") })).digest, digest);
});

add("an archive over a stage replaces files and keeps directories", async () => {
  const { tree } = await buildLines(["COPY old /d/f", "COPY old /d/kept", "ADD a.tar /", "ADD --link a.tar /linked"], {
    old: "old",
    "a.tar": tarOf({ "d/f": "new" }),
  });
  assert.equal(tree, [
    "/d dir 755 0:0",
    '/d/f file 644 3:4 "new"',
    '/d/kept file 644 0:0 "old"',
    "/linked dir 755 0:0",
    "/linked/d dir 755 0:0",
    '/linked/d/f file 644 3:4 "new"',
  ]);
});

interface Refusal {
  readonly name: string;
  readonly line: () => string;
  readonly contents?: Readonly<Record<string, string | Uint8Array>>;
  readonly error: string;
  /** What the caret stands under. */
  readonly at: () => string;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "a URL with nothing there",
    line: () => `ADD ${files.origin}/missing /x`,
    error: "[HTTP_NOT_FOUND]",
    at: () => `${files.origin}/missing`,
  },
  {
    name: "a port where nobody listens",
    line: () => "ADD http://127.0.0.1:1/f /x",
    error: "failed to fetch http://127.0.0.1:1/f: connection refused  [HTTP_UNREACHABLE]",
    at: () => "http://127.0.0.1:1/f",
  },
  {
    name: "another checksum",
    line: () => `ADD --checksum=${sha256("other")} ${files.origin}/app.txt /x`,
    error: `${sha256("hello")} (expected: ${sha256("other")})  [CHECKSUM_MISMATCH]`,
    at: () => `${files.origin}/app.txt`,
  },
  {
    name: "a checksum that is none",
    line: () => `ADD --checksum=sha256:12 ${"http://127.0.0.1:1/f"} /x`,
    error: "invalid checksum digest length  [INVALID_CHECKSUM]",
    at: () => "sha256:12",
  },
  {
    name: "a checksum for several sources",
    line: () => `ADD --checksum=${sha256("a")} http://127.0.0.1:1/f http://127.0.0.1:1/g /x/`,
    error: "checksum can't be specified for multiple sources  [INVALID_CHECKSUM]",
    at: () => sha256("a"),
  },
  {
    name: "a checksum for a local file",
    line: () => `ADD --checksum=${sha256("a")} Dockerfile /x/`,
    error: "checksum requires HTTP(S) or Git sources  [INVALID_CHECKSUM]",
    at: () => sha256("a"),
  },
  {
    name: "a ref that is not there",
    line: () => `ADD ${git.origin}/repo.git#nowhere /x`,
    error: "does not contain ref nowhere  [GIT_REF_NOT_FOUND]",
    at: () => `${git.origin}/repo.git#nowhere`,
  },
  {
    name: "a ref that is an option",
    line: () => `ADD ${git.origin}/repo.git#--exec=sh /x`,
    error: 'invalid git ref: "--exec=sh"  [INVALID_GIT_REFERENCE]',
    at: () => `${git.origin}/repo.git#--exec=sh`,
  },
  {
    name: "a query that means nothing",
    line: () => `ADD ${git.origin}/repo.git?brunch=main /x`,
    error: 'unexpected query "brunch"  [INVALID_GIT_REFERENCE]',
    at: () => `${git.origin}/repo.git?brunch=main`,
  },
  {
    name: "another commit",
    line: () => `ADD --checksum=0123456789 ${git.origin}/repo.git#v1 /x`,
    error: "expected checksum to match 0123456789, got",
    at: () => `${git.origin}/repo.git#v1`,
  },
  {
    name: "an address of another kind",
    line: () => "ADD ftp://example.org/f /x",
    error: "source can't be a ftp:// address for ADD  [INVALID_ADD_SOURCE]",
    at: () => "ftp://example.org/f",
  },
  {
    name: "an archive that leads out",
    line: () => "ADD evil.tar /x",
    contents: { "evil.tar": execFileSync("tar", ["-cP", "--transform=s,.*,../../evil,", "/etc/hostname"]) },
    error: "[ARCHIVE_UNSAFE_PATH]",
    at: () => "evil.tar",
  },
];

for (const { name, line, contents, error, at } of REFUSALS) {
  add(`${name} is refused at the word`, async () => {
    const refused = await buildLines([line()], contents).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(refused, BuildError);
    const { code, message, range } = refused as BuildError;
    assert.ok(`${message}  [${code}]`.includes(error), message);
    assert.is(line().slice((range?.start.column ?? 0) - 1, (range?.end.column ?? 0) - 1), at());
  });
}

add.run();
