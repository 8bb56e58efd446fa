import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { type CommandResult, commandOutput, runCommand } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser, type UserOptions, WITHOUT_NAMESPACES } from "../helpers/ordinary-user.ts";
import { sleepers, until, unusualSeconds } from "../helpers/processes.ts";
import { storeProblems } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const rootless = suite("e2e: an ordinary user");

const MANY_OWNERS = dockerfile(
  "FROM busybox AS tools",
  "RUN mkdir -p /out/bin && echo tool > /out/bin/tool && chmod 4755 /out/bin/tool && chown -R 33:50 /out",
  "FROM busybox",
  "COPY --chown=33:50 Dockerfile /srv/file",
  "COPY --chown=65534:65534 Dockerfile /srv/nobody",
  "COPY --from=tools /out /opt",
  "COPY --link --from=tools /out /linked",
  "COPY --link --chown=33:50 --parents Dockerfile /linked/x/",
  "RUN chown 7:8 /linked/bin/tool && echo more >> /linked/x/Dockerfile",
  "RUN rm /etc/group && rm -r /home && mkdir /home && touch /home/new && rm -r /var/tmp",
  "RUN mkdir -p /x/y && touch /x/y/old && chown -R 1000:1000 /x && mkfifo /x/fifo && ln /srv/file /x/link",
  "RUN rm -r /x/y && mkdir /x/y && touch /x/y/new",
  "USER www-data",
  "WORKDIR /srv/app",
  "RUN id -u > /tmp/id && touch /tmp/mine && ! touch /etc/not-mine 2> /dev/null",
);
const user = new OrdinaryUser();

/** Builds as the user. The user's directory is the context. */
async function build(text: string, flags: readonly string[] = [], who = user): Promise<CommandResult> {
  const base = `busybox=oci-layout://${who.pathOf(await baseImage("busybox"))}:latest`;
  const context = who.contextOf(makeContext({ Dockerfile: text }));
  return await who.tsbuild(["build", "--build-context", base, ...flags, context]);
}

rootless("the image has the digest that root's has", async () => {
  const asRoot = ["build", "--quiet", "--store", makeTempDir("store"), ...(await busyboxFlags())];
  const expected = (await tsbuildOk([...asRoot, makeContext({ Dockerfile: MANY_OWNERS })])).stdout;
  const result = await build(MANY_OWNERS, ["--quiet", "--tag", "app"]);
  assert.equal(result, { code: 0, stdout: expected, stderr: "" });
});

rootless("mounts of every type have the owners that a step sees", async () => {
  const result = await build(
    dockerfile(
      "FROM busybox AS s",
      "RUN mkdir /s && echo old > /s/f && chown 33:50 /s/f && rm /etc/group",
      "FROM busybox",
      "RUN --mount=from=s,target=/m,rw stat -c %u:%g /m/s/f; echo new > /m/s/f; test ! -e /m/etc/group",
      "RUN --mount=from=s,source=/s,target=/m cat /m/f; ! touch /m/x 2> /dev/null",
      "RUN --mount=target=/m stat -c %u:%g /m/Dockerfile",
      "RUN --mount=type=cache,target=/c,uid=33,gid=50 stat -c %u:%g /c",
      "RUN --mount=type=tmpfs,target=/t stat -c %u:%g /t",
      "RUN --mount=type=secret,id=Dockerfile,uid=33,gid=50 stat -c %u:%g /run/secrets/Dockerfile",
    ),
    ["--progress", "plain", "--secret", "id=Dockerfile"],
  );
  const printed = result.stderr.split("\n").flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []);
  assert.equal(printed, ["33:50", "old", "0:0", "33:50", "0:0", "33:50"], result.stderr);
});

rootless("device nodes of the base and file capabilities of the context make no difference either", async () => {
  const text = dockerfile("FROM debian", "COPY capable /srv/", "RUN cp -a /srv/capable /opt/ && chown 33:33 /srv");
  const flags = (path: string) => ["--quiet", "--build-context", `debian=oci-layout://${path}:latest`];
  const context = makeContext({ Dockerfile: text, capable: "" });
  for (const directory of [context, user.home]) await makeCapable(join(directory, "capable"));
  const layout = await baseImage("debian");
  const expected = await tsbuildOk(["build", "--store", makeTempDir("store"), ...flags(layout), context]);
  const result = await build(text, flags(user.pathOf(layout)));
  assert.equal(result, { code: 0, stdout: expected.stdout, stderr: "" });
});

/** Makes an empty file with cap_net_bind_service=p. linux/capability.h, vfs_cap_data of revision 2. */
async function makeCapable(path: string): Promise<void> {
  const value = "0000000200040000000000000000000000000000";
  const program = "import os, sys; os.setxattr(sys.argv[1], 'security.capability', bytes.fromhex(sys.argv[2]))";
  writeFileSync(path, "");
  await commandOutput(["python3", "-c", program, path, value]);
}

rootless("the store is in the user's data directory, and the user's", async () => {
  const store = join(user.home, ".local/share/tsbuild");
  assert.is((await build(dockerfile("FROM scratch", "COPY Dockerfile /"))).code, 0);
  assert.is(lstatSync(join(store, "index.json")).uid, user.uid);
  assert.equal(storeProblems(store), []);
});

rootless("a second build comes from the cache", async () => {
  const text = dockerfile("FROM busybox", "RUN head -c 9 /dev/urandom > /random");
  const flags = ["--quiet", "--store", join(user.home, "cached")];
  const first = await build(text, flags);
  assert.equal(await build(text, flags), { code: 0, stdout: first.stdout, stderr: "" });
});

rootless("--output type=local writes files that are the user's", async () => {
  const dest = join(user.home, "out");
  const text = dockerfile(
    "FROM busybox AS tools",
    "RUN mkdir /out && echo x > /out/file && chown -R 33:50 /out",
    "FROM scratch",
    "COPY --from=tools /out /out",
  );
  assert.is((await build(text, ["--output", `type=local,dest=${dest}`])).code, 0);
  assert.is(readFileSync(join(dest, "out/file"), "utf8"), "x\n");
  for (const path of ["", "out", "out/file"]) assert.is(lstatSync(join(dest, path)).uid, user.uid);
});

rootless("a failed RUN's exit code is the command's", async () => {
  const { code, stderr } = await build(dockerfile("FROM busybox", "RUN exit 7"));
  assert.is(code, 7, stderr);
});

rootless("a limit that cannot be enforced is an error, not a wish", async () => {
  const { code, stderr } = await build(dockerfile("FROM busybox", "RUN true"), ["--memory", "64m", "--no-cache"]);
  assert.is(code, 1);
  assert.match(stderr, /\[SANDBOX_LIMIT_UNSUPPORTED\]/);
});

rootless("an owner beyond the user's subordinate ids is an error with a way out", async () => {
  const { code, stderr } = await build(dockerfile("FROM scratch", "COPY --chown=70000:0 Dockerfile /"));
  assert.is(code, 1);
  assert.match(stderr, /hint: this user has no subordinate id for that owner: give more in \/etc\/subuid/);
});

rootless("root does not build in the user's store, whose ids are others", async () => {
  const store = join(user.home, ".local/share/tsbuild");
  const { code, stderr } = await tsbuild(["build", "--store", store, makeContext({ Dockerfile: "FROM scratch\n" })]);
  assert.is(code, 1);
  assert.match(stderr, /is the store of another user \(uid 5001 as seen from here\) {2}\[STORE_OWNER\]/);
});

for (const { signal, code, says } of [
  { signal: "SIGINT", code: 130, says: 1 },
  { signal: "SIGTERM", code: 143, says: 1 },
  { signal: "SIGKILL", code: null, says: 0 },
] as const) {
  rootless(`${signal} ends the build and its steps`, async () => {
    const seconds = unusualSeconds();
    const store = join(user.home, `store-${signal}`);
    const base = `busybox=oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;
    const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM busybox", `RUN sleep ${seconds}`) }));
    const flags = ["--store", store, "--progress", "plain", "--build-context", base];
    const [file = "", ...args] = user.tsbuildLine("build", ...flags, context);
    const child = spawn(file, args, { env: { ...process.env, ...user.env }, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    await until(() => sleepers(seconds).length > 0);
    child.kill(signal);
    const [exitCode] = await once(child, "close");
    assert.is(exitCode, code);
    await until(() => sleepers(seconds).length === 0);
    assert.is(stderr.split(": stopping").length - 1, says, stderr);
    if (signal !== "SIGKILL") assert.equal(readdirSync(join(store, "tmp")), []);
    assert.equal(storeProblems(store), []);
  });
}

const ABSENT = "/usr/bin/newuidmap";

rootless("without user namespaces nothing runs, and the error says what is missing", async () => {
  const who = new OrdinaryUser(WITHOUT_NAMESPACES);
  const { code, stderr } = await build(dockerfile("FROM scratch", "COPY Dockerfile /"), [], who);
  const lines = stderr.trim().split("\n");
  assert.is(code, 1);
  assert.equal(
    lines.filter((line) => !line.startsWith("cause: ")),
    [
      "error: an ordinary user cannot build here: the kernel forbids user namespaces (user.max_user_namespaces is 0)  [ROOTLESS_UNAVAILABLE]",
      "hint: as root: sysctl user.max_user_namespaces=15000",
    ],
  );
  assert.not.ok(existsSync(join(who.home, ".local")));
});

interface Lack {
  readonly options: UserOptions;
  readonly missing: string;
  readonly hint: string;
}

const LACKS: Readonly<Record<string, Lack>> = {
  "subordinate ids": {
    options: { subordinateIds: "other:100000:200000\n" },
    missing: "/etc/subuid and /etc/subgid have no ids for tsbuild-test",
    hint: "as root: usermod --add-subuids 300000-365535 --add-subgids 300000-365535 tsbuild-test",
  },
  newuidmap: {
    options: { prepare: `mkdir empty; touch empty/file; chmod 644 empty/file; mount --bind empty/file ${ABSENT}` },
    missing: "newuidmap is missing",
    hint: "apt-get install uidmap",
  },
  "new privileges": {
    options: { through: ["setpriv", "--no-new-privs"] },
    missing: "no_new_privs takes newuidmap its rights",
    hint: "start tsbuild without no_new_privs",
  },
};

for (const [lack, { options, missing, hint }] of Object.entries(LACKS)) {
  rootless(`without ${lack} a build has a single id, the same image, and a warning`, async () => {
    const text = dockerfile(
      "FROM busybox",
      "RUN id -u > /id && mkdir /d && cat /proc/self/uid_map",
      "COPY Dockerfile /d/",
    );
    const asRoot = ["build", "--quiet", "--store", makeTempDir("store"), ...(await busyboxFlags())];
    const { stdout } = await tsbuildOk([...asRoot, makeContext({ Dockerfile: text })]);
    const result = await build(text, ["--quiet"], new OrdinaryUser(options));
    const [first = "", ...rest] = result.stderr.trimEnd().split("\n");
    assert.is(first, `warning: ${missing}: this user has a single id here, which is root's in every step`);
    assert.is(rest.at(-1), `  hint: ${hint}`);
    assert.equal({ code: result.code, stdout: result.stdout }, { code: 0, stdout });
  });
}

const REFUSED: readonly (readonly [what: string, line: string, error: RegExp])[] = [
  ["COPY --chown", "COPY --chown=33:50 Dockerfile /", /error: chown: \/Dockerfile: .*\n.*Dockerfile:2:/],
  [
    "another USER",
    "USER www-data\nRUN true",
    /as uid 33, gid 33: groups: operation not permitted {2}\[SANDBOX_SETUP_FAILED\]\n.*Dockerfile:3:1/,
  ],
  [
    "a cache of another owner",
    "RUN --mount=type=cache,target=/c,uid=33 true",
    /cannot be given to 33:0, .* {2}\[OWNER_NOT_MAPPED\]/,
  ],
  [
    "a secret of another owner",
    "RUN --mount=type=secret,id=s,uid=33 true",
    /mount source: \/run\/secrets\/s: invalid argument/,
  ],
  ["chown in a RUN", "RUN chown 33 /bin", /chown: \/bin: Invalid argument/],
];

for (const [what, line, error] of REFUSED) {
  rootless(`with a single id ${what} is refused, with the way out`, async () => {
    const who = new OrdinaryUser({ subordinateIds: "" });
    const flags = ["--progress", "plain", "--secret", "id=s,src=Dockerfile"];
    const context = who.contextOf(makeContext({ Dockerfile: dockerfile("FROM busybox", line) }));
    const base = `busybox=oci-layout://${who.pathOf(await baseImage("busybox"))}:latest`;
    const { code, stderr } = await who.tsbuild(["build", "--build-context", base, ...flags, context], { cwd: context });
    assert.is(code, 1, stderr);
    assert.match(stderr, error);
    assert.match(stderr, /\nhint: /);
  });
}

rootless("with a single id an image whose files have other owners is refused by the name of a file", async () => {
  const who = new OrdinaryUser({ subordinateIds: "" });
  const flags = ["--build-context", `debian=oci-layout://${who.pathOf(await baseImage("debian"))}:latest`];
  const { code, stderr } = await build(dockerfile("FROM debian", "RUN true"), flags, who);
  assert.is(code, 1);
  assert.match(stderr, /error: set owner: \S+ \(0:42\): Invalid argument/);
  assert.match(stderr, /hint: this user has no subordinate id for that owner/);
});

rootless("a store that was written with more ids is not used with a single one", async () => {
  const text = dockerfile("FROM busybox", "RUN touch /file");
  const store = join(user.home, "of-all-ids");
  assert.is((await build(text, ["--store", store])).code, 0);
  const single = await build(text, ["--store", store], new OrdinaryUser({ home: user.home, subordinateIds: "" }));
  assert.is(single.code, 1);
  assert.match(single.stderr, /has files of owners that cannot be told apart with a single id {2}\[STORE_IDS\]/);
});

rootless("the library refuses at once, and says how to call it", async () => {
  const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM scratch", "COPY Dockerfile /") }));
  const program = `
    import { build, run } from ${JSON.stringify(user.pathOf(join(process.cwd(), "builder/index.ts")))};
    const tell = (e) => console.log(e.name, e.code, e.message.split(" was called")[0], e.hint);
    await build({ context: ${JSON.stringify(context)} }).catch(tell);
    await run({ image: "busybox" }).catch(tell);`;
  const argv = user.nodeLine("--input-type=module", "--eval", program);
  const { stdout, stderr } = await runCommand(argv, { env: user.env });
  const hint = "start the program with `unshare --user --map-root-user --map-auto --mount`, or run the tsbuild command";
  const told = ["build()", "run()"].map((call) => `BuildError ROOTLESS_UNAVAILABLE ${call} ${hint}\n`);
  assert.is(stdout, told.join(""), stderr);
});

rootless.run();
