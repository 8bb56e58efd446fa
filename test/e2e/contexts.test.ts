import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtFiles } from "../helpers/built-files.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { makeTempDir } from "../helpers/temp.ts";

const contexts = suite("e2e: contexts on this machine");

const COPY_ALL = dockerfile("FROM scratch", "COPY . /");
const store = makeTempDir("store");

async function failure(args: readonly string[], input: string | Uint8Array = "", cwd?: string): Promise<string> {
  const options = cwd === undefined ? { input } : { input, cwd };
  const { code, stderr } = await tsbuild(["build", "--store", store, ...args], options);
  assert.is.not(code, 0);
  return stderr;
}

contexts("a Dockerfile on standard input has an empty context", async () => {
  const text = dockerfile("FROM scratch", "COPY <<a /a", "inline", "a", "COPY . /");
  assert.equal(await builtFiles(store, ["-"], { input: text }), { a: "inline\n" });
});

contexts(
  "-f - reads the Dockerfile from standard input and the files from the directory, with its .dockerignore",
  async () => {
    const context = makeContext({ a: "a", b: "b", Dockerfile: "NOT READ", ".dockerignore": "b\nDockerfile\n" });
    const files = await builtFiles(store, ["-f", "-", context], { input: COPY_ALL });
    assert.equal(files, { a: "a", ".dockerignore": "b\nDockerfile\n" });
  },
);

const compressors: Readonly<Record<string, (path: string) => Promise<string>>> = {
  "no compression": async (path) => path,
  gzip: (path) => compressed("gzip -c", path),
  bzip2: (path) => compressed("bzip2 -c", path),
  xz: (path) => compressed("xz -c", path),
  zstd: (path) => compressed("zstd -qc", path),
};

async function compressed(command: string, path: string): Promise<string> {
  await commandOutput(["sh", "-c", `${command} "$0" > "$0.z"`, path]);
  return `${path}.z`;
}

async function archive(files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(makeTempDir("archive"), "context.tar");
  await commandOutput(["tar", "-cf", path, "-C", makeContext(files), "."]);
  return path;
}

for (const [name, compress] of Object.entries(compressors)) {
  contexts(`an archive with ${name} on standard input is the context`, async () => {
    const path = await compress(await archive({ Dockerfile: COPY_ALL, "d/a": "a" }));
    const files = await builtFilesOf(path, "-");
    assert.equal(files, { Dockerfile: COPY_ALL, "d/a": "a" });
  });
}

async function builtFilesOf(path: string, ...args: readonly string[]) {
  return await builtFiles(store, args, { input: readFileSync(path) });
}

contexts("-f names the Dockerfile in an archive, and no .dockerignore applies there", async () => {
  const path = await archive({ "sub/dev.Dockerfile": COPY_ALL, ".dockerignore": "a\n", a: "a" });
  const files = await builtFilesOf(path, "-f", "sub/dev.Dockerfile", "-");
  assert.equal(files, { "sub/dev.Dockerfile": COPY_ALL, ".dockerignore": "a\n", a: "a" });
});

contexts("what an archive says of paths outside itself stays inside", async () => {
  const folder = makeTempDir("hostile");
  writeFileSync(join(folder, "Dockerfile"), COPY_ALL);
  symlinkSync("/etc", join(folder, "link"));
  const path = join(folder, "context.tar");
  await commandOutput(["tar", "-cf", path, "-C", folder, "Dockerfile", "link"]);
  await commandOutput([
    "sh",
    "-c",
    `cd / && tar -rPf ${path} --transform 's,.*,link/../../../tmp/escaped,' etc/hostname`,
  ]);
  const { stderr } = await tsbuild(["build", "--store", store, "-"], { input: readFileSync(path) });
  assert.not.ok(existsSync("/tmp/escaped"), stderr);
});

contexts("the owners in an archive are kept, those of a directory are root's", async () => {
  const folder = makeContext({ Dockerfile: COPY_ALL, a: "a" });
  const path = join(makeTempDir("archive"), "context.tar");
  await commandOutput(["tar", "-cf", path, "--owner=12:12", "--group=13:13", "-C", folder, "."]);
  const oci = join(makeTempDir("output"), "image");
  await tsbuildOk(["build", "--store", store, "--output", `type=oci,dest=${oci},tar=false`, "-"], {
    input: readFileSync(path),
  });
  const listing = await commandOutput([
    "sh",
    "-c",
    `for b in ${oci}/blobs/sha256/*; do tar -tvzf $b --numeric-owner 2>/dev/null; done; true`,
  ]);
  assert.match(listing, / 12\/13 .* a$/m);
});

contexts(
  "a Dockerfile may lie outside the context, or in a subdirectory, with a .dockerignore of its own beside it",
  async () => {
    const outside = makeContext({ "x.Dockerfile": COPY_ALL, "x.Dockerfile.dockerignore": "b\n" });
    const context = makeContext({
      a: "a",
      b: "b",
      ".dockerignore": "a\n",
      "sub/Dockerfile": COPY_ALL,
      "sub/Dockerfile.dockerignore": "*\n!a",
    });
    const fromOutside = await builtFiles(store, ["-f", join(outside, "x.Dockerfile"), context]);
    assert.equal(Object.keys(fromOutside).sort(), [
      ".dockerignore",
      "a",
      "sub/Dockerfile",
      "sub/Dockerfile.dockerignore",
    ]);
    const fromBelow = await builtFiles(store, ["-f", "sub/Dockerfile", "."], { cwd: context });
    assert.equal(fromBelow, { a: "a" });
  },
);

contexts("dockerfile is found where Dockerfile is asked for", async () => {
  const context = makeContext({ "sub/dockerfile": COPY_ALL });
  assert.equal(await builtFiles(store, ["-f", "sub/Dockerfile", "."], { cwd: context }), {
    "sub/dockerfile": COPY_ALL,
  });
});

contexts("a store inside the context is no part of it, whatever .dockerignore takes back in", async () => {
  const context = makeContext({ Dockerfile: COPY_ALL, a: "a", ".dockerignore": "!**\n" });
  const expected = { Dockerfile: COPY_ALL, a: "a", ".dockerignore": "!**\n" };
  for (const place of [".tsbuild", "deep/store"]) {
    const flags = ["--build-context", `self=${context}`];
    assert.equal(await builtFiles(join(context, place), [...flags, context]), expected);
    assert.equal(
      await builtFiles(join(context, place), [...flags, "-f", "-", context], { input: dockerfile("FROM self") }),
      expected,
    );
    await commandOutput(["rm", "-rf", join(context, place)]);
  }
});

contexts("a context that is the store itself is refused", async () => {
  const context = makeContext({ Dockerfile: COPY_ALL });
  const { code, stderr } = await tsbuild(["build", "--store", context, context]);
  assert.is(code, 1);
  assert.match(stderr, /^error: the store is the build context itself: .*\[STORE_IS_CONTEXT\]$/m);
});

contexts("an ordinary user builds from standard input, with root's digest", async () => {
  const user = new OrdinaryUser();
  const input = readFileSync(await archive({ Dockerfile: COPY_ALL, a: "a" }));
  const asRoot = await tsbuildOk(["build", "--store", store, "--quiet", "-"], { input });
  assert.equal(await user.tsbuild(["build", "--quiet", "-"], { input }), {
    code: 0,
    stdout: asRoot.stdout,
    stderr: "",
  });
});

const refusals: readonly (readonly [
  name: string,
  args: readonly string[],
  input: string | Uint8Array,
  error: RegExp,
])[] = [
  [
    "standard input cannot be both",
    ["-f", "-", "-"],
    COPY_ALL,
    /^error: invalid argument: can't use stdin for both build context and dockerfile {2}\[INPUT_USED_TWICE\]$/m,
  ],
  [
    "a Dockerfile on standard input leaves no room for -f",
    ["-f", "x", "-"],
    COPY_ALL,
    /^error: ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles {2}\[AMBIGUOUS_DOCKERFILE\]$/m,
  ],
  ["nothing on standard input is an empty Dockerfile", ["-"], "", /^error: the Dockerfile cannot be empty/m],
  ["an archive as -f -", ["-f", "-", "."], gzipSync(""), /^error: .* is an archive {2}\[DOCKERFILE_UNREADABLE\]$/m],
  ["an archive that is cut off", ["-"], gzipSync("x".repeat(5000)).subarray(0, 20), /^error: .*\[[A-Z_]+\]$/m],
  [
    "a context that is not there",
    ["no/such"],
    "",
    /^error: unable to prepare context: path "no\/such" not found {2}\[CONTEXT_NOT_FOUND\]$/m,
  ],
  [
    "a context that is a file",
    ["/etc/hostname"],
    "",
    /^error: unable to prepare context: path "\/etc\/hostname" is not a directory/m,
  ],
  [
    "more than one platform",
    ["--platform", "linux/amd64,linux/arm64", "."],
    "",
    /^error: .*\[UNSUPPORTED_PLATFORM\]$/m,
  ],
  ["a platform that is none", ["--platform", "linus", "/tmp"], "", /^error: .*\[[A-Z_]+\]$/m],
];

for (const [name, args, input, error] of refusals) {
  contexts(`${name}: one error`, async () => {
    const stderr = await failure(args, input);
    assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.match(stderr, error);
  });
}

contexts("a Dockerfile that an archive lacks gets the nearest name as a hint", async () => {
  const stderr = await failure(["-"], readFileSync(await archive({ Dockerfil: COPY_ALL })));
  assert.match(stderr, /^error: there is no Dockerfile in the build context {2}\[DOCKERFILE_NOT_FOUND\]$/m);
  assert.match(stderr, /^hint: did you mean Dockerfil\?$/m);
});

contexts("the hint about a context's archive that leads outside is about the context", async () => {
  const folder = makeContext({ Dockerfile: COPY_ALL });
  const path = join(makeTempDir("archive"), "context.tar");
  await commandOutput(["tar", "-cf", path, "-P", "-C", folder, "--transform", "s,.*,../escaped,", "Dockerfile"]);
  const stderr = await failure(["-"], readFileSync(path));
  assert.match(stderr, /^error: .*\[ARCHIVE_UNSAFE_PATH\]$/m);
  assert.match(stderr, /^hint: it is the archive of the build context/m);
});

contexts("an error in a Dockerfile of standard input has its frame", async () => {
  const stderr = await failure(["-"], "FROM scratch\nCOPPY a b\n");
  assert.match(stderr, /┌─ Dockerfile:2:1$/m);
});

contexts.run();
