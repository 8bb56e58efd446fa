import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD, tsbuild, tsbuildOk } from "../helpers/cli.ts";
import type { CommandOptions } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { sleepers, until, unusualSeconds } from "../helpers/processes.ts";
import { makeTempDir } from "../helpers/temp.ts";

const run = suite("e2e: tsbuild run");

const store = makeTempDir("store");
const BUSYBOX = `oci-layout://${await baseImage("busybox")}:latest`;

/** Runs `tsbuild run` with the words given: flags, an image, a command. */
function container(words: readonly string[], options: CommandOptions = {}) {
  return tsbuild(["run", "--store", store, ...words], options);
}

/** The same in busybox; returns standard output without the last newline, and fails with the command. */
async function output(
  flags: readonly string[],
  command: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { stdout } = await tsbuildOk(["run", "--store", store, ...flags, BUSYBOX, ...command], options);
  return stdout.replace(/\n$/, "");
}

/** An image of the store, made of these lines on busybox. */
async function image(name: string, ...lines: readonly string[]): Promise<string> {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines) });
  await tsbuildOk(["build", "--store", store, "-t", name, ...(await busyboxFlags()), context]);
  return name;
}

run("output and error output stay apart, and nothing else is written once the image is there", async () => {
  await output([], ["true"]);
  const { code, stdout, stderr } = await container([BUSYBOX, "sh", "-c", "echo out; echo err >&2"]);
  assert.equal([code, stdout, stderr], [0, "out\n", "err\n"]);
});

const EXITS: readonly (readonly [string, readonly string[], number])[] = [
  ["the command's own", ["sh", "-c", "exit 42"], 42],
  ["128 and the number of the signal that ended it", ["sh", "-c", "kill -9 $$"], 137],
  ["127 for a program that is not there", ["no-such-program"], 127],
  ["126 for one that cannot be executed", ["/etc/passwd"], 126],
];
for (const [what, command, expected] of EXITS) {
  run(`the exit code is ${what}`, async () => {
    assert.is((await container([BUSYBOX, ...command])).code, expected);
  });
}

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["no image", [], /run needs an image/],
  ["an unknown flag, with the one that was meant", ["--entrypiont", "x", BUSYBOX], /did you mean --entrypoint\?/],
  ["--detach", ["-d", BUSYBOX], /--detach is not supported.*\nhint: there is no daemon/],
  ["--privileged", ["--privileged", BUSYBOX], /--privileged is not supported/],
  ["a capability outside docker's set", ["--cap-add", "SYS_ADMIN", BUSYBOX], /--cap-add SYS_ADMIN is not supported/],
  ["a named volume", ["-v", "data:/data", BUSYBOX], /there are no named volumes/],
  [
    "a volume that is not there",
    ["-v", "/no/such/place:/data", BUSYBOX],
    /bind source path does not exist: \/no\/such/,
  ],
  ["a mount on the root", ["--tmpfs", "/", BUSYBOX], /invalid value "\/" for --tmpfs/],
  ["two mounts in one place", ["--tmpfs", "/a", "--tmpfs", "/a/", BUSYBOX], /duplicate mount point: \/a/],
  ["a relative working directory", ["-w", "a", BUSYBOX], /it needs to be an absolute path/],
  ["an unknown user", ["-u", "nobody-here", BUSYBOX, "true"], /USER_NOT_FOUND/],
  ["an image that is not there", ["--pull", "never", "no-such-image"], /BASE_IMAGE_NOT_FOUND/],
  ["a terminal without one", ["-it", BUSYBOX], /the input device is not a TTY/],
  ["a host name of odd letters", ["-h", "a b", BUSYBOX], /invalid hostname/],
];
for (const [what, words, message] of REFUSED) {
  run(`${what} is refused with 125`, async () => {
    const { code, stderr } = await container(words);
    assert.match(stderr, message);
    assert.is(code, 125);
  });
}

run("flags end at the image: what comes after is the command's", async () => {
  assert.is(await output(["-e", "A=1"], ["echo", "-n", "-e", "x", "--help"]), "x --help");
});

run("-h alone is a question, with a name docker's flag", async () => {
  assert.match((await tsbuildOk(["run", "-h"])).stdout, /Usage: tsbuild run/);
  assert.is(await output(["-h", "box"], ["hostname"]), "box");
});

run("the image's config counts as for docker run", async () => {
  const name = await image(
    "configured",
    "ENV COLOR=blue SIZE=big",
    "RUN echo 'app:x:1234:4321::/home/app:/bin/sh' >> /etc/passwd",
    "WORKDIR /work",
    "USER app",
    'ENTRYPOINT ["/bin/sh", "-c", "echo $0 $* $COLOR $SIZE $HOME; id; pwd"]',
    'CMD ["one", "two"]',
  );
  const id = "uid=1234(app) gid=4321";
  const ran = async (...words: readonly string[]) => (await container(words)).stdout;
  assert.is(await ran(name), `one two blue big /home/app\n${id}\n/work\n`);
  assert.is(await ran("-e", "COLOR=red", name, "three"), `three red big /home/app\n${id}\n/work\n`);
  assert.is(await ran("--entrypoint", "pwd", "-w", "/made/here", name), "/made/here\n");
  assert.is(await ran("--entrypoint", "", "-u", "7:8", name, "id"), "uid=7 gid=8\n");
  assert.match((await container(["--entrypoint", "", name])).stderr, /no command specified/);
});

run("an image is found by the digest that build prints", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", 'CMD ["echo", "by digest"]') });
  const flags = ["--store", store, "-q", ...(await busyboxFlags())];
  const digest = (await tsbuildOk(["build", ...flags, context])).stdout.trim();
  assert.is((await container([digest])).stdout, "by digest\n");
});

run("variables come from files, flags and the environment, the flag last", async () => {
  const file = join(makeTempDir("env"), "env");
  writeFileSync(file, '# a comment\nA=from file\nB= quoted "as is"\nTAKEN\nMISSING\n');
  const env = { TAKEN: "taken", ALSO: "also", MISSING: undefined, ABSENT: undefined };
  const flags = ["--env-file", file, "-e", "A=from flag", "-e", "ALSO", "-e", "ABSENT"];
  const shown = await output(
    flags,
    ["sh", "-c", 'echo "$A|$B|$TAKEN|$ALSO"; env | grep -c -E "^(MISSING|ABSENT)="; true'],
    { env },
  );
  assert.is(shown, 'from flag| quoted "as is"|taken|also\n0');
});

run("the root is thrown away, and the image stays as it was", async () => {
  await output([], ["sh", "-c", "echo x > /new; rm /etc/passwd"]);
  assert.is(await output([], ["sh", "-c", "ls /new /etc/passwd 2>/dev/null; true"]), "/etc/passwd");
  assert.equal(readdirSync(join(store, "tmp")), []);
});

run("a volume is the machine's own directory, by root as by its owner; :ro cannot be written", async () => {
  const place = makeTempDir("volume");
  chmodSync(place, 0o755);
  writeFileSync(join(place, "here"), "from outside\n");
  const script = "cat /v/here; echo from inside > /v/there; stat -c %u /v/there; touch /r/x 2>&1";
  const { stdout, code } = await container(["-v", `${place}:/v`, "-v", `${place}:/r:ro`, BUSYBOX, "sh", "-c", script]);
  assert.is(stdout, "from outside\n0\ntouch: /r/x: Read-only file system\n");
  assert.is(code, 1);
  assert.is(readFileSync(join(place, "there"), "utf8"), "from inside\n");
});

run("--mount and --tmpfs make the same mounts; a link in the target stays inside", async () => {
  const place = makeTempDir("volume");
  mkdirSync(join(place, "a"));
  writeFileSync(join(place, "a", "file"), "1");
  const flags = [
    "--mount",
    `type=bind,src=${place}/a,dst=/deep/a,readonly`,
    "--mount",
    "type=tmpfs,dst=/deep/t,tmpfs-size=1m",
  ];
  const script =
    "ls /deep/a; df -k /deep/t /u | tail -n +2 | tr -s ' ' | cut -d' ' -f1,2; touch /deep/a/x 2>&1 | grep -c Read-only";
  assert.is(await output([...flags, "--tmpfs", "/u:size=2m"], ["sh", "-c", script]), "file\ntmpfs 1024\ntmpfs 2048\n1");
});

run("a read-only root leaves volumes of the image writable", async () => {
  const name = await image("with-volume", "RUN mkdir /data && echo old > /data/file", "VOLUME /data /fresh");
  const script = "cat /data/file; for d in / /data /fresh /tmp; do touch $d/x 2>/dev/null && echo $d; done; true";
  assert.is((await container(["--read-only", name, "sh", "-c", script])).stdout, "old\n/data\n/fresh\n");
});

run("capabilities and limits are those of the flags", async () => {
  assert.match(
    await output(["--cap-drop", "ALL", "--cap-add", "CHOWN"], ["grep", "CapEff", "/proc/self/status"]),
    /0000000000000001$/,
  );
  const { code, stderr } = await container(["--memory", "32m", BUSYBOX, "sh", "-c", "tail /dev/zero"]);
  assert.is(code, 137);
  assert.match(stderr, /ended at a limit: memory limit 32 MiB/);
});

run("input is read only with -i, byte for byte", async () => {
  assert.is(await output([], ["cat"], { input: "unread" }), "");
  const bytes = randomBytes(5 << 20);
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.is(await output(["-i"], ["sha256sum"], { input: bytes }), `${digest}  -`);
});

run("100 MB pass through cat unchanged", async () => {
  const piece = randomBytes(1 << 20);
  const [file = "", ...args] = TSBUILD;
  const child = spawn(file, [...args, "run", "--store", store, "-i", BUSYBOX, "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [sent, received] = [createHash("sha256"), createHash("sha256")];
  child.stdout.on("data", (chunk: Buffer) => received.update(chunk));
  for (let written = 0; written < 100; written++) {
    sent.update(piece);
    if (!child.stdin.write(piece)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  await once(child, "close");
  assert.is(received.digest("hex"), sent.digest("hex"));
});

run("a command that does not read its input does not wait for it", async () => {
  const { stdout, code } = await container(["-i", BUSYBOX, "head", "-c", "3"], { input: Buffer.alloc(8 << 20, "z") });
  assert.equal([code, stdout], [0, "zzz"]);
});

run("a command whose output nobody reads ends", async () => {
  const [file = "", ...args] = TSBUILD;
  const child = spawn(file, [...args, "run", "--store", store, BUSYBOX, "yes"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = await once(child, "exit");
  assert.is(code, 141);
});

/** A container whose command sleeps; `seconds` finds its process. */
async function startSleeping(script: string, flags: readonly string[] = []) {
  const seconds = unusualSeconds();
  const [file = "", ...args] = TSBUILD;
  const command = [...args, "run", "--store", store, ...flags, BUSYBOX, "sh", "-c", script.replace("SECONDS", seconds)];
  const child = spawn(file, command, { stdio: ["ignore", "pipe", "inherit"] });
  const pids = await until(() => {
    const found = sleepers(seconds);
    return found.length > 0 ? found : undefined;
  });
  return { child, seconds, pids, exit: once(child, "exit").then(([code, signal]) => code ?? signal) };
}

run("a signal goes to the command, which may answer as it likes", async () => {
  const { child, exit, seconds } = await startSleeping("trap 'exit 33' TERM; sleep SECONDS & wait");
  child.kill("SIGTERM");
  assert.is(await exit, 33);
  assert.equal(sleepers(seconds), []);
});

run("a second Ctrl-C kills a command that pays no heed to the first", async () => {
  const { child, exit, seconds } = await startSleeping("trap 'echo heard' INT; while :; do sleep SECONDS; done");
  child.kill("SIGINT");
  // Its shell hears of it when the sleep has ended, which nothing ends.
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGINT");
  assert.is(await exit, 137);
  await until(() => sleepers(seconds).length === 0);
});

run("without --sig-proxy the signal ends the run, by way of the stop signal", async () => {
  const { child, exit } = await startSleeping("trap 'exit 9' USR1; sleep SECONDS & wait", [
    "--sig-proxy=false",
    "--stop-signal",
    "USR1",
  ]);
  child.kill("SIGTERM");
  assert.is(await exit, 143);
});

run("--stop-timeout 0 kills at once what pays no heed to the stop signal", async () => {
  const flags = ["--sig-proxy=false", "--stop-timeout", "0"];
  const { child, seconds, exit } = await startSleeping("trap '' TERM; sleep SECONDS", flags);
  child.kill("SIGTERM");
  assert.is(await exit, 143);
  assert.equal(sleepers(seconds), []);
});

run("SIGKILL takes the command along, and the next run sweeps what is left", async () => {
  const { child, seconds, exit } = await startSleeping("echo x > /x; sleep SECONDS");
  child.kill("SIGKILL");
  await exit;
  await until(() => sleepers(seconds).length === 0);
  await output([], ["true"]);
  assert.equal(readdirSync(join(store, "tmp")), []);
});

run.run();
