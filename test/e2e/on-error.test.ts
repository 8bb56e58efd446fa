import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildError, build, type FailedStep } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD, tsbuild } from "../helpers/cli.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { failureOf } from "../helpers/failure.ts";
import { sleepers, unusualSeconds } from "../helpers/processes.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { Terminal } from "../helpers/terminal.ts";

const onError = suite("e2e: --on-error shell");

const store = makeTempDir("store");

/** A build on a terminal, without colours. */
async function startBuild(lines: readonly string[], flags: readonly string[] = []): Promise<Terminal> {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines) });
  const build = [...TSBUILD, "build", "--store", store, "--on-error", "shell", ...flags, ...(await busyboxFlags())];
  const env = { NO_COLOR: "1", GITHUB_ACTIONS: undefined, TSBUILD_STORE: undefined, SECRET: "told" };
  return new Terminal([...build, "--progress", "plain", context], env);
}

onError("the shell is in the failed step's root, mounts, environment, directory and user", async () => {
  const terminal = await startBuild(
    [
      "RUN echo app:x:1234:1234::/:/bin/sh >> /etc/passwd && mkdir /work && chown 1234 /work",
      "ENV COLOR=blue",
      "WORKDIR /work",
      "USER app",
      "RUN --mount=type=cache,target=/cache,uid=1234 --mount=type=secret,id=s,uid=1234 --mount=type=tmpfs,target=/scratch \\",
      "  echo left > here && echo kept > /cache/file && exit 3",
    ],
    ["--secret", "id=s,env=SECRET"],
  );
  await terminal.expect(/exit code: 3[\s\S]*This is \/bin\/sh where \[.*RUN .* has failed, in \/work\./);
  await terminal.expect(/\$ /);
  terminal.type(
    "cat here /cache/file /run/secrets/s; echo; df /scratch | tail -1 | cut -d' ' -f1; echo $COLOR $(id -u)\r",
  );
  await terminal.expect(/left\r\nkept\r\ntold\r\ntmpfs\r\nblue 1234\r\n/);
  terminal.type("tty; exit 0\r");
  await terminal.expect(/\/dev\/pts\/0\r\n/);
  await terminal.expect(/error: process .* did not complete successfully: exit code: 3 {2}\[RUN_FAILED\]/);
  assert.is(await terminal.exit(), 3);
  assert.equal(readdirSync(join(store, "tmp")), []);
});

onError("Ctrl-C is the shell's, Ctrl-D ends it, and the build is not continued", async () => {
  const terminal = await startBuild(["RUN exit 4", "RUN echo never-run"]);
  await terminal.expect(/# /);
  terminal.type("sleep 600\r");
  await terminal.expect(/sleep 600/);
  terminal.type("\x03");
  await terminal.expect(/# /);
  terminal.type("echo code=$?\r");
  await terminal.expect(/code=130/);
  terminal.type("\x04");
  assert.is(await terminal.exit(), 4);
  assert.not.match(terminal.shown, /\n#\d+ [\d.]+ never-run/);
});

onError("steps that run beside the failed one have ended before the shell opens", async () => {
  const seconds = unusualSeconds();
  const terminal = await startBuild([
    "RUN sleep 1; exit 5",
    "FROM busybox AS other",
    `RUN sleep ${seconds}`,
    "FROM busybox",
    "COPY --from=0 / /a/",
    "COPY --from=other / /b/",
  ]);
  await terminal.expect(/This is \/bin\/sh/);
  assert.equal(sleepers(seconds), []);
  terminal.type("exit\r");
  assert.is(await terminal.exit(), 5);
});

onError("the shell is that of SHELL, by its name in PATH", async () => {
  const terminal = await startBuild([
    "RUN mkdir /shells && ln -s /bin/busybox /shells/ash",
    "ENV PATH=/shells:$PATH",
    'SHELL ["ash", "-ec"]',
    "RUN exit 8",
  ]);
  await terminal.expect(/This is \/shells\/ash where/);
  terminal.type("exit\r");
  assert.is(await terminal.exit(), 8);
});

onError("a root without a shell has none, which is said", async () => {
  const terminal = await startBuild(["FROM scratch", "COPY --from=0 /bin/busybox /false", 'RUN ["/false"]']);
  await terminal.expect(/no shell can be opened/);
  assert.is(await terminal.exit(), 1);
});

onError("without a terminal it is refused before the build starts", async () => {
  const { code, stderr } = await tsbuild(["build", "--store", store, "--on-error", "shell", "/no/such/context"]);
  assert.is(code, 2);
  assert.match(stderr, /the input device is not a TTY/);
});

onError("the library runs commands in the failed root, and throws the step's error afterwards", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN echo left > /here; exit 6") });
  const seen: string[] = [];
  const look = async (failed: FailedStep) => {
    const ran = await failed.run(["cat", "/here"], { onStdout: (chunk) => seen.push(Buffer.from(chunk).toString()) });
    seen.push(`${ran.exitCode}`, failed.cwd, (await failed.findShell()) ?? "none");
  };
  const buildContexts = { busybox: `oci-layout://${await baseImage("busybox")}` };
  const error = await failureOf(BuildError, build({ context, store, buildContexts, onError: look }));
  assert.equal([error.code, error.exitCode, ...seen], ["RUN_FAILED", 6, "left\n", "0", "/", "/bin/sh"]);
});

onError.run();
