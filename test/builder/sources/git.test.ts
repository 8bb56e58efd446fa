import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseGitReference } from "../../../builder/dockerfile/index.ts";
import { BuildError } from "../../../builder/errors.ts";
import { checkoutGit, resolveGit, type SourceContext } from "../../../builder/sources/index.ts";
import type { Store } from "../../../layers/index.ts";
import { digestSelection } from "../../../runtime-core/index.ts";
import { failureOf } from "../../helpers/failure.ts";
import { type GitServer, type GitServerOptions, serveGit, TestRepository } from "../../helpers/git-server.ts";
import { makeTempDir } from "../../helpers/temp.ts";
import { withStore } from "../../layers/helpers.ts";

const EPOCH = 315532800;
const git = suite("git sources");

interface Site {
  readonly server: GitServer;
  readonly store: Store;
  /** The directory of what `ORIGIN/text` leads to. */
  readonly checkOut: (text: string, more?: Partial<SourceContext>) => Promise<string>;
}

async function withGitServer(
  repositories: Readonly<Record<string, TestRepository>>,
  work: (site: Site) => Promise<void>,
  options: GitServerOptions = {},
): Promise<void> {
  const server = await serveGit(repositories, options);
  try {
    await withStore(async (store) => {
      const checkOut = async (text: string, more: Partial<SourceContext> = {}) => {
        const reference = parseGitReference(`${server.origin}/${text}`);
        if (reference === undefined) throw new Error(`no git reference: ${text}`);
        const context: SourceContext = { store, sourceDateEpoch: EPOCH, ...more };
        const snapshot = await checkoutGit(reference, await resolveGit(reference, context), context);
        return context.store.snapshotter.view(snapshot).lowers[0] ?? "";
      };
      await work({ server, store, checkOut });
    });
  } finally {
    await server.close();
  }
}

const failure = (work: Promise<unknown>) => failureOf(BuildError, work);

function read(root: string, name: string): string {
  return readFileSync(join(root, name), "utf8");
}

/** Three commits: tagged v1 and v2 (annotated), branch `dev`, branch `main`. */
function history() {
  const repository = new TestRepository();
  const v1 = repository.commit({ "a.txt": "one", "sub/b.txt": "below" });
  repository.git("tag", "v1");
  const v2 = repository.commit({ "a.txt": "two" });
  repository.git("tag", "-a", "v2", "-m", "second");
  repository.git("checkout", "--quiet", "-b", "dev");
  const dev = repository.commit({ "a.txt": "dev" });
  repository.git("checkout", "--quiet", "main");
  const main = repository.commit({ "a.txt": "three" });
  return { repository, v1, v2, dev, main };
}

const REFS: readonly (readonly [name: string, reference: (h: ReturnType<typeof history>) => string, text: string])[] = [
  ["no ref is the default branch", () => "r.git", "three"],
  ["a branch", () => "r.git#dev", "dev"],
  ["a tag", () => "r.git#v1", "one"],
  ["an annotated tag", () => "r.git#v2", "two"],
  ["a full ref", () => "r.git#refs/heads/dev", "dev"],
  ["a ref without refs/", () => "r.git#tags/v1", "one"],
  ["a commit at the end of a branch", (h) => `r.git#${h.main}`, "three"],
  ["a commit inside a branch", (h) => `r.git#${h.v1}`, "one"],
  ["tag=", () => "r.git?tag=v2", "two"],
  ["branch=", () => "r.git?branch=dev", "dev"],
  ["ref= with its checksum", (h) => `r.git?ref=dev&checksum=${h.dev}`, "dev"],
  ["the first digits of a checksum", (h) => `r.git?branch=main&checksum=${h.main.slice(0, 9)}`, "three"],
  ["checksum= alone", (h) => `r.git?checksum=${h.v2}`, "two"],
];

/** What an old server, which gives only what it shows, has to be asked for in another way. */
const OLD: readonly string[] = ["no ref is the default branch", "an annotated tag", "a commit inside a branch"];

for (const [name, reference, text] of REFS) {
  for (const onlyV0 of OLD.includes(name) ? [false, true] : [false]) {
    git(`${name} is checked out${onlyV0 ? ", from an old server too" : ""}`, async () => {
      const made = history();
      const check = async ({ checkOut }: Site) => assert.is(read(await checkOut(reference(made)), "a.txt"), text);
      await withGitServer({ r: made.repository }, check, { onlyV0 });
    });
  }
}

git("files are root's, 0644 or 0755, at the epoch, and there is no .git", async () => {
  const repository = new TestRepository();
  repository.commit({ "run.sh": "#!/bin/sh\n", "dir/a": "a", link: "->/etc/passwd" });
  const mask = process.umask(0o077);
  try {
    await withGitServer({ r: repository }, async ({ checkOut }) => {
      const root = await checkOut("r.git");
      assert.equal(readdirSync(root).sort(), ["dir", "link", "run.sh"]);
      assert.is(readlinkSync(join(root, "link")), "/etc/passwd");
      const modes = ["run.sh", "dir", "dir/a"].map((name) => {
        const { mode, uid, gid, mtimeMs } = lstatSync(join(root, name));
        return [name, mode & 0o7777, uid, gid, mtimeMs / 1000];
      });
      assert.equal(modes, [
        ["run.sh", 0o755, 0, 0, EPOCH],
        ["dir", 0o755, 0, 0, EPOCH],
        ["dir/a", 0o644, 0, 0, EPOCH],
      ]);
    });
  } finally {
    process.umask(mask);
  }
});

git("a subdirectory becomes the root, by fragment and by query", async () => {
  const { repository } = history();
  await withGitServer({ r: repository }, async ({ checkOut }) => {
    for (const text of ["r.git#v1:sub", "r.git#:sub", "r.git?tag=v1&subdir=/sub/"]) {
      assert.equal(readdirSync(await checkOut(text)), ["b.txt"]);
    }
  });
});

git("a subdirectory that is none, or leads out of the checkout, is refused", async () => {
  const repository = new TestRepository();
  repository.commit({ file: "x", out: "->/etc", up: "->../../.." });
  await withGitServer({ r: repository }, async ({ checkOut }) => {
    for (const subdir of ["missing", "file", "out", "up"]) {
      assert.is((await failure(checkOut(`r.git#main:${subdir}`))).code, "GIT_SUBDIR_NOT_FOUND");
    }
    assert.equal(readdirSync(await checkOut("r.git#main:../..")).sort(), ["file", "out", "up"]);
  });
});

git("a checkout is made once", async () => {
  const { repository, v1 } = history();
  await withGitServer({ r: repository }, async ({ checkOut, server }) => {
    const root = await checkOut(`r.git#${v1}`);
    const requests = server.log.length;
    assert.is(await checkOut(`r.git#${v1}`), root);
    assert.is(server.log.length, requests);
  });
});

git("a branch that has moved is another checkout", async () => {
  const { repository } = history();
  await withGitServer({ r: repository }, async ({ checkOut }) => {
    assert.is(read(await checkOut("r.git#main"), "a.txt"), "three");
    repository.commit({ "a.txt": "four" });
    assert.is(read(await checkOut("r.git#main"), "a.txt"), "four");
  });
});

git("submodules come along, without their .git, unless they are not wanted", async () => {
  const { outer, inner } = withSubmodule();
  await withGitServer({ outer, inner }, async ({ checkOut }) => {
    const root = await checkOut("outer.git");
    assert.is(read(root, "mod/inner.txt"), "inner");
    assert.not(existsSync(join(root, "mod/.git")));
    assert.equal(readdirSync(join(await checkOut("outer.git?submodules=false"), "mod")), []);
  });
});

function withSubmodule(url = "../inner.git") {
  const [inner, outer] = [new TestRepository(), new TestRepository()];
  const commit = inner.commit({ "inner.txt": "inner" });
  outer.commit({ ".gitmodules": `[submodule "mod"]\n\tpath = mod\n\turl = ${url}\n` });
  outer.git("update-index", "--add", "--cacheinfo", `160000,${commit},mod`);
  outer.git("commit", "--quiet", "-m", "submodule");
  return { outer, inner };
}

git("a submodule on this machine's disk or of a program is refused", async () => {
  const secret = new TestRepository();
  secret.commit({ secret: "of this machine" });
  const mark = join(makeTempDir("mark"), "ran");
  for (const url of [secret.path, `file://${secret.path}`, `ext::touch ${mark}`]) {
    const { outer } = withSubmodule(url);
    await withGitServer({ outer }, async ({ checkOut }) => {
      const error = await failure(checkOut("outer.git"));
      assert.is(error.code, "GIT_FAILED");
      assert.match(error.message, /transport '(?:file|ext)' not allowed|submodule/);
    });
  }
  assert.not(existsSync(mark));
});

git(".git is kept where it is asked for, the same on every checkout and without what it was fetched with", async () => {
  const { repository, v2 } = history();
  await withGitServer({ r: repository }, async ({ checkOut, server }) => {
    const digests: string[] = [];
    for (const _ of [1, 2]) {
      await withStore(async (store) => {
        const root = await checkOut("r.git?tag=v2&keep-git-dir=true", { store });
        digests.push(
          (await digestSelection({ source: { rootfs: { lowers: [root] } }, paths: ["/"], wildcards: false })).digest,
        );
        assert.match(read(root, ".git/config"), `url = ${server.origin}/r.git`);
        assert.is(read(root, ".git/HEAD").trim(), v2);
        const copy = new TestRepository(makeTempDir("kept"));
        assert.is(copy.git("-c", "safe.directory=*", `--git-dir=${root}/.git`, "rev-parse", "v2^{commit}"), v2);
      });
    }
    assert.is(digests[0], digests[1]);
  });
});

git("hooks, filters and monitors that a repository brings are not run", async () => {
  const mark = join(makeTempDir("mark"), "ran");
  const repository = new TestRepository();
  repository.commit({
    ".gitattributes": "* filter=evil text=auto eol=crlf\n",
    ".gitconfig": `[filter "evil"]\n\tsmudge = touch ${mark}\n[core]\n\tfsmonitor = touch ${mark}\n`,
    ".git-hooks/post-checkout": `#!/bin/sh\ntouch ${mark}\n`,
    "a.txt": "text\n",
  });
  await withGitServer({ r: repository }, async ({ checkOut }) => {
    const root = await checkOut("r.git");
    assert.match(read(root, "a.txt"), /^text\r?\n$/);
    assert.not(existsSync(mark));
  });
});

git("a token is sent to the host it is for, and stays out of errors", async () => {
  const { repository } = history();
  const authorization = `basic ${Buffer.from("x-access-token:s3cret").toString("base64")}`;
  const check = async ({ checkOut, server }: Site) => {
    const secret = async (id: string) =>
      id === `GIT_AUTH_TOKEN.${new URL(server.origin).host}` ? Buffer.from("s3cret") : undefined;
    assert.is(read(await checkOut("r.git", { secret }), "a.txt"), "three");
    const error = await failure(checkOut("r.git#dev"));
    assert.is(error.code, "GIT_FAILED");
    assert.match(error.hint ?? "", /GIT_AUTH_TOKEN/);
    assert.not.match(error.message, /s3cret/);
  };
  await withGitServer({ r: repository }, check, { authorization });
});

const REFUSED: readonly (readonly [text: string, code: string, message: RegExp])[] = [
  ["r.git#missing", "GIT_REF_NOT_FOUND", /does not contain ref missing$/],
  ["r.git#--upload-pack=touch", "INVALID_GIT_REFERENCE", /^invalid git ref: "--upload-pack=touch"$/],
  ["r.git#a b", "INVALID_GIT_REFERENCE", /^invalid git ref/],
  ["r.git?checksum=xyz&ref=main", "INVALID_CHECKSUM", /^invalid checksum xyz for Git URL, expected hex commit hash$/],
  ["r.git?ref=main&checksum=0123456", "CHECKSUM_MISMATCH", /^expected checksum to match 0123456, got [0-9a-f]{40}$/],
  ["r.git?ref=v2&checksum=0123456", "CHECKSUM_MISMATCH", /got [0-9a-f]{40} or [0-9a-f]{40}$/],
  ["none.git", "GIT_FAILED", /^failed to fetch remote http:\S+none.git: git ls-remote failed: fatal: .*not found/],
];

for (const [text, code, message] of REFUSED) {
  git(`${text} is refused`, async () => {
    const { repository } = history();
    await withGitServer({ r: repository }, async ({ checkOut }) => {
      const error = await failure(checkOut(text));
      assert.is(error.code, code);
      assert.match(error.message, message);
    });
  });
}

git("without the git program the error says what to install", async () => {
  const { repository } = history();
  await withGitServer({ r: repository }, async ({ checkOut }) => {
    const error = await failure(checkOut("r.git", { env: { PATH: makeTempDir("empty") } }));
    assert.equal([error.code, error.message], ["GIT_MISSING", "git is not installed"]);
  });
});

git("an abort ends git and leaves nothing", async () => {
  const { repository } = history();
  await withGitServer({ r: repository }, async ({ server, store }) => {
    const reference = parseGitReference(`${server.origin}/r.git`);
    const controller = new AbortController();
    const going = resolveGit(reference as never, { store, sourceDateEpoch: EPOCH }, { signal: controller.signal });
    controller.abort(new Error("enough"));
    const error = await going.then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    assert.is(error?.message, "enough");
    const [workspace] = readdirSync(join(store.root, "tmp")).filter((name) => !name.endsWith(".lock"));
    assert.equal(readdirSync(join(store.root, "tmp", workspace ?? "")), []);
  });
});

git.run();
