import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BuildOptions, build as runBuild } from "../../builder/index.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { programFiles } from "../helpers/shared-objects.ts";
import { makeTempDir } from "../helpers/temp.ts";

const mounts = suite("e2e: RUN --mount");
const store = makeTempDir("store");
const SECRET = "correct-horse-battery-staple";

interface Built {
  /** What the steps printed, without the numbers in front. */
  readonly output: string;
  /** The files of the image. */
  readonly root: string;
}

/** Builds by the library: a command for each of these would take most of the time. */
async function build(context: string, options: Partial<BuildOptions> = {}): Promise<Built> {
  const root = join(makeTempDir("out"), "root");
  const [, busybox = ""] = (await busyboxFlags())[1]?.split("busybox=") ?? [];
  const printed: Uint8Array[] = [];
  await runBuild({
    context,
    store,
    buildContexts: { busybox },
    outputs: [{ type: "local", dest: root }],
    onEvent: (event) => event.type === "log" && printed.push(event.data),
    ...options,
  });
  return { output: Buffer.concat(printed).toString().replace(/\n$/, ""), root };
}

async function failure(context: string, flags: readonly string[] = []): Promise<string> {
  const result = await tsbuild(["build", "--store", store, ...(await busyboxFlags()), ...flags, context]);
  assert.is.not(result.code, 0);
  return result.stderr.slice(result.stderr.indexOf("error: "));
}

/** A context with one Dockerfile from busybox. */
function busybox(...lines: readonly string[]): Readonly<Record<string, string>> {
  return { Dockerfile: dockerfile("FROM busybox", ...lines) };
}

mounts("a directory of the context is there for one step, without what is ignored, and cannot be written", async () => {
  const context = makeContext({
    ...busybox(
      "RUN --mount=target=/ctx cat /ctx/src/a; ls -A /ctx; stat -c %u:%g /ctx/src/a; touch /ctx/b || true",
      "RUN ls -d /ctx || true",
    ),
    "src/a": "content\n",
    ignored: "",
    ".dockerignore": "ignored\nDockerfile\n",
  });
  const { output, root } = await build(context);
  const expected = ["content", ".dockerignore", "src", "0:0", "touch: /ctx/b: Read-only file system"];
  assert.is(output, [...expected, "ls: /ctx: No such file or directory"].join("\n"));
  assert.not(existsSync(join(root, "ctx")));
});

mounts("what is written to a mount with rw is thrown away, and the source stays as it was", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "FROM busybox AS s",
      "RUN mkdir /s && echo old > /s/f && chown 7:8 /s/f",
      "FROM busybox",
      "RUN --mount=from=s,source=/s,target=/m,rw stat -c %u:%g /m/f; echo new > /m/f; touch /m/g; ls /m",
      "RUN --mount=from=s,source=/s,target=/m cat /m/*",
      "RUN --mount=source=f,target=/one,rw echo more >> /one; cat /one",
    ),
    f: "file\n",
  });
  assert.is((await build(context)).output, ["7:8", "f", "g", "old", "file", "more"].join("\n"));
  assert.is(readFileSync(join(context, "f"), "utf8"), "file\n");
});

mounts("a step runs again when what it mounts has changed, and not for anything else", async () => {
  const context = makeContext({
    ...busybox("RUN --mount=source=src,target=/m echo ran"),
    "src/a": "1\n",
    other: "1\n",
  });
  const at = makeTempDir("store");
  assert.is((await build(context, { store: at })).output, "ran");
  writeFileSync(join(context, "other"), "2\n");
  assert.is((await build(context, { store: at })).output, "");
  writeFileSync(join(context, "src/a"), "2\n");
  assert.is((await build(context, { store: at })).output, "ran");
});

mounts("a mount of a stage counts by what is mounted of it", async () => {
  const text = (value: string) =>
    dockerfile(
      "FROM busybox AS s",
      `RUN mkdir /a && echo ${value} > /b`,
      "FROM busybox",
      "RUN --mount=from=s,source=/a,target=/m echo ran",
    );
  const at = makeTempDir("store");
  assert.is((await build(makeContext({ Dockerfile: text("1") }), { store: at })).output, "ran");
  assert.is((await build(makeContext({ Dockerfile: text("2") }), { store: at })).output, "");
});

mounts("links in a mounted source stay inside it", async () => {
  const context = makeContext({ ...busybox("RUN --mount=source=link,target=/m cat /m/a"), "real/a": "inside\n" });
  symlinkSync("../../real", join(context, "link"));
  assert.is((await build(context)).output, "inside");
});

mounts("a cache outlives its build, is not in the image, and may be had under a name", async () => {
  const context = makeContext(
    busybox(
      "ARG N",
      "RUN --mount=type=cache,target=/root/.cache/a echo $N >> /root/.cache/a/n; cat /root/.cache/a/n",
      "RUN --mount=type=cache,target=/b,id=/root/.cache/a echo as b; cat /b/n",
    ),
  );
  assert.is((await build(context, { buildArgs: { N: "1" } })).output, "1\nas b\n1");
  const { output, root } = await build(context, { buildArgs: { N: "2" } });
  assert.is(output, "1\n2\nas b\n1\n2");
  assert.equal([existsSync(join(root, "root/.cache")), existsSync(join(root, "b"))], [false, false]);
});

mounts("a cache begins as what from and source name, or with an owner and a mode", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "FROM busybox AS s",
      "RUN mkdir -p /s/d /t && echo seed > /s/d/f && chown 5:6 /s/d/f && ln -s /s /l && chown 3:4 /s && chmod 750 /s",
      "FROM busybox",
      "RUN --mount=type=cache,target=/c,id=seeded,from=s,source=/s cat /c/d/f; stat -c %u:%g /c/d/f; echo x > /c/d/f",
      "RUN --mount=type=cache,target=/c,id=seeded,from=s,source=/s cat /c/d/f; echo second",
      "RUN --mount=type=cache,target=/c,id=seeded,from=s,source=/s stat -c '%u:%g %a' /c",
      "RUN --mount=type=cache,target=/c,id=linked,from=s,source=/l cat /c/d/f",
      "RUN --mount=type=cache,target=/c,id=whole,from=s stat -c '%u:%g %a' /c/s",
      "RUN --mount=type=cache,target=/o,uid=1000,gid=1001,mode=0700 stat -c '%u:%g %a' /o",
      "RUN --mount=type=cache,target=/e stat -c '%u:%g %a' /e",
      "RUN --mount=type=cache,target=/e,ro touch /e/x || true",
    ),
  });
  const expected = [
    "seed",
    "5:6",
    "x",
    "second",
    "3:4 750",
    "seed",
    "3:4 750",
    "1000:1001 700",
    "0:0 755",
    "touch: /e/x: Read-only file system",
  ];
  assert.is((await build(context)).output, expected.join("\n"));
});

mounts("two builds that lock a cache have it one after the other; two that share it, at once", async () => {
  const flags = { noCache: true };
  const meet = (sharing: string) =>
    makeContext(
      busybox(
        `RUN --mount=type=cache,target=/c,id=${sharing},sharing=${sharing} ` +
          "mkdir /c/here && for i in 1 2 3 4 5; do sleep 0.1; done; rmdir /c/here || true",
      ),
    );
  const locked = meet("locked");
  await Promise.all([build(locked, flags), build(locked, flags)]);
  const single = meet("private");
  await Promise.all([build(single, flags), build(single, flags)]);
  const shared = makeContext(
    busybox(
      "ARG ME OTHER",
      "RUN --mount=type=cache,target=/c,id=meeting touch /c/$ME; while [ ! -e /c/$OTHER ]; do sleep 0.05; done; echo met",
    ),
  );
  const pairs = [
    ["a", "b"],
    ["b", "a"],
  ] as const;
  const both = pairs.map(([me, other]) => build(shared, { buildArgs: { ME: me, OTHER: other } }));
  assert.equal(
    (await Promise.all(both)).map(({ output }) => output),
    ["met", "met"],
  );
});

mounts("a tmpfs is empty, limited, and forgotten", async () => {
  const context = makeContext(
    busybox(
      "RUN mkdir /t && touch /t/own",
      "RUN --mount=type=tmpfs,target=/t,size=64k ls -A /t; df -k /t | tail -n 1 | awk '{print $1, $2}'; touch /t/x",
      "RUN ls /t",
    ),
  );
  assert.is((await build(context)).output, "tmpfs 64\nown");
});

mounts("a secret is a file in memory, a variable, or both, and stays out of everything", async () => {
  const at = makeTempDir("store");
  const file = join(makeTempDir("secret"), "token");
  writeFileSync(file, SECRET);
  const context = makeContext(
    busybox(
      "RUN --mount=type=secret,id=file md5sum < /run/secrets/file; stat -c '%a %u %g' /run/secrets/file; stat -f -c %T /run/secrets/file",
      "RUN --mount=type=secret,id=env,env=TOKEN,target=/etc/token,uid=5,gid=6,mode=0440 test $TOKEN = $(cat /etc/token); stat -c '%a %u %g' /etc/token",
      "RUN --mount=type=secret,id=env,env=TOKEN echo -n $TOKEN | wc -c; ls /run/secrets 2>&1 || true",
      "RUN --mount=type=secret,id=none test ! -e /run/secrets/none; echo none",
      "USER 1000",
      "RUN --mount=type=secret,id=file cat /run/secrets/file || true",
    ),
  );
  const secrets = { file: { file }, env: { value: SECRET } };
  const { output, root } = await build(context, { secrets, store: at });
  const expected = [
    `${createHash("md5").update(SECRET).digest("hex")}  -`,
    "400 0 0",
    "tmpfs",
    "440 5 6",
    "28",
    "ls: /run/secrets: No such file or directory",
    "none",
  ];
  assert.is(output, [...expected, "cat: can't open '/run/secrets/file': Permission denied"].join("\n"));
  assert.equal([existsSync(join(root, "run/secrets")), existsSync(join(root, "etc/token"))], [false, false]);
  assert.throws(() => execFileSync("grep", ["-rqs", SECRET, at]), /Command failed/);
  // A new secret runs no step again.
  writeFileSync(file, "another");
  assert.is((await build(context, { secrets: { ...secrets, env: { value: "other" } }, store: at })).output, "");
});

mounts("a required secret that is not given is an error at its mount", async () => {
  const text = "RUN --mount=type=secret,id=token,required true";
  assert.is(
    await failure(makeContext(busybox(text))),
    [
      "error: secret token: not found  [MOUNT_NOT_GIVEN]",
      "  ┌─ Dockerfile:2:25",
      "1 │ FROM busybox",
      `2 │ ${text}`,
      "  │                         ^^^^^^^^",
      "hint: give it with --secret id=token,src=PATH or --secret id=token,env=VARIABLE",
      "",
    ].join("\n"),
  );
  const missing = await failure(makeContext(busybox("RUN true")), ["--secret", "id=a,src=/nowhere"]);
  assert.match(missing, "error: secret a: /nowhere is not a file  [SECRET_NOT_FOUND]");
});

mounts("a step asks the agent that is forwarded to it, as its user", async () => {
  const key = join(makeTempDir("key"), "id");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]);
  const context = makeContext(
    busybox(
      "COPY root /",
      "RUN --mount=type=ssh echo $SSH_AUTH_SOCK; stat -c '%a %u' $SSH_AUTH_SOCK; ssh-add -L",
      "RUN --mount=type=ssh,id=other,target=/agent,required=true ssh-add -l > /dev/null && echo $SSH_AUTH_SOCK",
      "USER 1000:1000",
      "RUN --mount=type=ssh,uid=1000 ssh-add -L | cut -d ' ' -f 1",
      "RUN ssh-add -l || true",
    ),
  );
  for (const [path, source] of await programFiles("/usr/bin/ssh-add")) {
    mkdirSync(join(context, "root", path, ".."), { recursive: true });
    copyFileSync(source, join(context, "root", path));
  }
  const { output, root } = await build(context, { ssh: { default: { paths: [key] }, other: { paths: [key] } } });
  const [type, blob] = readFileSync(`${key}.pub`, "utf8").split(" ");
  const expected = [
    "/run/buildkit/ssh_agent.0",
    "600 0",
    `${type} ${blob?.trim()} id`,
    "/agent",
    "ssh-ed25519",
    "Could not open a connection to your authentication agent.",
  ];
  assert.is(output, expected.join("\n"));
  assert.equal([existsSync(join(root, "run/buildkit")), existsSync(join(root, "agent"))], [false, false]);
});

mounts("a required agent that is not given is an error at its mount", async () => {
  const report = await failure(makeContext(busybox("RUN --mount=type=ssh,required true")));
  assert.match(report, 'error: no SSH key "default" forwarded from the client  [MOUNT_NOT_GIVEN]');
  assert.match(report, "hint: give it with --ssh default");
});

mounts("a source that is missing is an error at its word", async () => {
  const files = { ...busybox("RUN --mount=source=sorce/a,target=/m true"), "source/a": "" };
  assert.is(
    await failure(makeContext(files)),
    [
      "error: mount source not found: /sorce/a  [MOUNT_SOURCE_NOT_FOUND]",
      "  ┌─ Dockerfile:2:13",
      "1 │ FROM busybox",
      "2 │ RUN --mount=source=sorce/a,target=/m true",
      "  │             ^^^^^^^^^^^^^^",
      "hint: did you mean source/a?",
      "",
    ].join("\n"),
  );
  const stage = dockerfile("FROM busybox AS s", "FROM busybox", "RUN --mount=from=s,source=/bni,target=/m true");
  const report = await failure(makeContext({ Dockerfile: stage }));
  assert.match(report, "error: mount source not found: /bni  [MOUNT_SOURCE_NOT_FOUND]");
  assert.match(report, "hint: did you mean bin?");
});

mounts("a mount point that is missing in a read-only mount is an error at its mount", async () => {
  const text = "RUN --mount=target=/src --mount=type=cache,target=/src/node_modules true";
  const report = await failure(makeContext(busybox(text)));
  assert.match(report, /cannot run the step: .*\/src\/node_modules/);
  assert.match(
    report,
    "2 │ RUN --mount=target=/src --mount=type=cache,target=/src/node_modules true\n  │                                            ^^^^^^^^^^^^^^^^^^^^^^^^",
  );
  assert.match(report, "hint: make the directory in what is mounted there, or mount that with rw");
  const { output } = await build(makeContext(busybox(text.replace("/src ", "/src,rw ").replace("true", "ls /src"))));
  assert.is(output, "Dockerfile\nnode_modules");
});

mounts("mount points leave no trace, also behind links of the image, and neither do steps that fail", async () => {
  const context = makeContext(
    busybox(
      "RUN mkdir /real /keep && ln -s /real /link && touch -d @1000 /real",
      "RUN --mount=type=tmpfs,target=/link/a/b --mount=type=secret,id=s,target=/keep/s --mount=type=tmpfs,target=/x/y/z true",
      "RUN --mount=type=cache,target=/keep/c touch /keep/own",
    ),
  );
  const { root } = await build(context, { secrets: { s: { value: "s" } } });
  assert.equal([readdirSync(join(root, "real")), readdirSync(join(root, "keep"))], [[], ["own"]]);
  assert.not(existsSync(join(root, "x")));
});

mounts("a heredoc script has mounts as well", async () => {
  const lines = [
    "RUN --mount=type=cache,target=/c --mount=source=f,target=/f <<EOF",
    "#!/bin/sh",
    "cat /f; ls -d /c /dev/pipes",
    "EOF",
  ];
  assert.is((await build(makeContext({ ...busybox(...lines), f: "f\n" }))).output, "f\n/c\n/dev/pipes");
});

mounts("--allow and RUN --network=host go together, as docker's users write them", async () => {
  const context = makeContext(
    busybox("RUN --network=host ls /sys/class/net | wc -l > /n", "RUN --network=none ls /sys/class/net"),
  );
  const flags = ["--allow", "network.host", "--store", store, "--progress", "plain", ...(await busyboxFlags())];
  assert.match((await tsbuildOk(["build", ...flags, context])).stderr, /^#\d+ [\d.]+ lo$/m);
});

mounts.run();
