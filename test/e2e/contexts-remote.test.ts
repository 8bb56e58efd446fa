import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtFiles } from "../helpers/built-files.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { type FileServer, serveFiles } from "../helpers/file-server.ts";
import { type GitServer, serveGit, TestRepository } from "../helpers/git-server.ts";
import { makeTempDir } from "../helpers/temp.ts";

const remote = suite("e2e: contexts from elsewhere");

const COPY_ALL = dockerfile("FROM scratch", "COPY . /");
const store = makeTempDir("store");
const repository = new TestRepository();
let git: GitServer;
let web: FileServer;

remote.before(async () => {
  repository.commit({ Dockerfile: COPY_ALL, a: "1", "app/Dockerfile": COPY_ALL, "app/b": "b", ".dockerignore": "a\n" });
  repository.git("tag", "v1");
  repository.commit({ a: "2" });
  git = await serveGit({ repo: repository });
  web = await serveFiles({
    "/context.tgz": readFileSync(await archive({ Dockerfile: COPY_ALL, "dev/Dockerfile": COPY_ALL, c: "c" })),
    "/Dockerfile": COPY_ALL,
    "/binary": Buffer.from([0xff, 0xfe, 0x00]),
  });
});

remote.after(async () => {
  await git.close();
  await web.close();
});

async function archive(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(makeTempDir("archive"), "context.tgz");
  await commandOutput(["tar", "-czf", path, "-C", makeContext(files), "."]);
  return path;
}

remote("a git repository is the context, at its default branch and without .dockerignore", async () => {
  const files = await builtFiles(store, [`${git.origin}/repo.git`]);
  assert.equal(Object.keys(files).sort(), [".dockerignore", "Dockerfile", "a", "app/Dockerfile", "app/b"]);
  assert.is(files["a"], "2");
});

remote("#ref:subdir names a commit and a directory of it, as does the query form", async () => {
  const expected = { Dockerfile: COPY_ALL, b: "b" };
  assert.equal(await builtFiles(store, [`${git.origin}/repo.git#v1:app`]), expected);
  assert.equal(await builtFiles(store, [`${git.origin}/repo.git?tag=v1&subdir=app`]), expected);
  assert.is((await builtFiles(store, [`${git.origin}/repo.git#v1`]))["a"], "1");
});

remote("BUILDKIT_CONTEXT_KEEP_GIT_DIR keeps .git", async () => {
  const files = await builtFiles(store, ["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", `${git.origin}/repo.git`]);
  assert.ok(".git/HEAD" in files);
});

remote("-f is a path in a remote context, an absolute path on this machine, or standard input", async () => {
  const context = `${git.origin}/repo.git`;
  const local = join(makeContext({ Dockerfile: dockerfile("FROM scratch", "COPY a /from-local") }), "Dockerfile");
  assert.is((await builtFiles(store, ["-f", "app/Dockerfile", context]))["app/b"], "b");
  assert.equal(await builtFiles(store, ["-f", local, context]), { "from-local": "2" });
  const input = dockerfile("FROM scratch", "COPY a /from-input");
  assert.equal(await builtFiles(store, ["-f", "-", context], { input }), { "from-input": "2" });
});

remote("-f takes a URL", async () => {
  const context = makeContext({ a: "a" });
  assert.equal(await builtFiles(store, ["-f", `${web.origin}/Dockerfile`, context]), { a: "a" });
});

remote("the URL of an archive is the context, that of a text its Dockerfile", async () => {
  const files = await builtFiles(store, ["-f", "dev/Dockerfile", `${web.origin}/context.tgz`]);
  assert.equal(files, { Dockerfile: COPY_ALL, "dev/Dockerfile": COPY_ALL, c: "c" });
  assert.equal(await builtFiles(store, [`${web.origin}/Dockerfile`]), { context: COPY_ALL });
});

remote("named contexts are fetched when something reads them", async () => {
  const text = dockerfile(
    "FROM scratch",
    "COPY --from=repo a /git",
    "COPY --from=tar c /tar",
    "COPY --from=file / /file/",
  );
  const flags = [
    ...["--build-context", `repo=${git.origin}/repo.git#v1`],
    ...["--build-context", `tar=${web.origin}/context.tgz`],
    ...["--build-context", `file=${web.origin}/Dockerfile`],
    ...["--build-context", `unused=${web.origin}/not-there`],
  ];
  const files = await builtFiles(store, [...flags, "-"], { input: text });
  assert.equal(files, { git: "1", tar: "c", "file/context": COPY_ALL });
  assert.not.ok(web.log.some((line) => line.includes("not-there")));
});

remote("a remote context may be a base", async () => {
  const flags = ["--build-context", `base=${git.origin}/repo.git#v1:app`];
  const files = await builtFiles(store, [...flags, "-"], { input: dockerfile("FROM base", "COPY <<E /x", "x", "E") });
  assert.equal(files, { Dockerfile: COPY_ALL, b: "b", x: "x\n" });
});

remote("the Dockerfile and the files are of one commit, and a branch that moves is seen", async () => {
  const moving = new TestRepository();
  moving.commit({ Dockerfile: COPY_ALL, n: "1" });
  const server = await serveGit({ moving });
  try {
    assert.is((await builtFiles(store, [`${server.origin}/moving.git`]))["n"], "1");
    assert.is(server.log.filter((line) => line.startsWith("GET")).length, 2, "one look at the refs, one fetch");
    moving.commit({ n: "2" });
    assert.is((await builtFiles(store, [`${server.origin}/moving.git`]))["n"], "2");
  } finally {
    await server.close();
  }
});

remote("equal remote contexts give equal images, and a second build hits the cache", async () => {
  const build = () => tsbuildOk(["build", "--store", store, "--progress", "plain", `${git.origin}/repo.git#v1`]);
  const [first, second] = [await build(), await build()];
  assert.match(second.stderr, /^#\d+ CACHED$/m);
  const digest = /^sha256:[0-9a-f]{64}$/m;
  assert.is(digest.exec(first.stderr)?.[0], digest.exec(second.stderr)?.[0]);
  const fresh = await tsbuildOk(["build", "--store", makeTempDir("store"), "-q", `${git.origin}/repo.git#v1`]);
  assert.is(fresh.stdout.trim(), digest.exec(first.stderr)?.[0]);
});

const failures: readonly (readonly [name: string, context: () => string, error: RegExp])[] = [
  [
    "a ref that is not there",
    () => `${git.origin}/repo.git#nope`,
    /does not contain ref nope {2}\[GIT_REF_NOT_FOUND\]$/m,
  ],
  ["a subdirectory that is not there", () => `${git.origin}/repo.git#v1:x`, /\[GIT_SUBDIR_NOT_FOUND\]$/m],
  ["a repository that is not there", () => `${git.origin}/other.git`, /\[GIT_FAILED\]$/m],
  ["a query that makes no sense", () => `${git.origin}/repo.git?x=y`, /\[INVALID_GIT_REFERENCE\]$/m],
  ["a URL that is not there", () => `${web.origin}/nope.tar`, /\[HTTP_NOT_FOUND\]$/m],
  ["a server that is not there", () => "http://127.0.0.1:1/context.tar", /\[HTTP_UNREACHABLE\]$/m],
  ["a URL of what is no Dockerfile", () => `${web.origin}/binary`, /\[DOCKERFILE_UNREADABLE\]$/m],
];

for (const [name, context, error] of failures) {
  remote(`${name} is one error`, async () => {
    const { code, stderr } = await tsbuild(["build", "--store", store, context()]);
    assert.is(code, 1, stderr);
    assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.match(stderr, error);
  });
}

remote("a named context that cannot be fetched is an error at the word that reads it", async () => {
  const flags = ["--build-context", `u=${web.origin}/nope.tar`];
  const input = dockerfile("FROM scratch", "COPY --from=u / /");
  const { stderr } = await tsbuild(["build", "--store", store, ...flags, "-"], { input });
  assert.match(stderr, /\[HTTP_NOT_FOUND\]$/m);
  assert.match(stderr, /┌─ Dockerfile:2:13$/m, stderr);
});

remote.run();
