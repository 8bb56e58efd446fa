import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { releaseTrees, type SandboxError, type SandboxSpec } from "../../runtime-core/index.ts";
import { SLOWDOWN } from "../helpers/slowdown.ts";
import { freshDirectory, freshRootfs, type Ran, run, type SpecChanges, stepSpec } from "./sandbox-fixture.ts";

const test = suite("chroot isolation");

const trees = join(freshDirectory(), "trees");

function chrootSpec(script: string, changes: SpecChanges = {}): SandboxSpec {
  const rootfs = { ...freshRootfs(), trees };
  return stepSpec(script, { rootfs, network: "host", ...changes });
}

async function output(script: string, changes: SpecChanges = {}): Promise<string> {
  const ran = await run(chrootSpec(script, changes));
  assert.is(ran.exitCode, 0, ran.stderr);
  return ran.stdout.trim();
}

/** A command whose processes no other test starts. */
function marked(seconds: number): string {
  return `sleep ${seconds}.${process.pid}`;
}

/** Whether a process with this command line is alive. */
function isAlive(commandLine: string): boolean {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(commandLine);
    } catch {
      return false;
    }
  });
}

test("a step sees its root, and devices that work", async () => {
  assert.is(await output("ls /; ls /dev | tr '\\n' ' '").then((text) => text.includes("root")), true);
  assert.is(await output("echo x > /dev/null; head -c 3 /dev/zero | wc -c; cat < /dev/null"), "3");
});

test("it cannot leave its root: neither chroot nor mknod is permitted", async () => {
  const { stderr } = await run(chrootSpec("mkdir /x; chroot /x true; mknod /sda b 8 0"));
  assert.match(stderr, /chroot: .*(?:permitted|denied)/i);
  assert.match(stderr, /mknod: .*permitted/i);
});

test("nothing that was put there for the step is in the layer", async () => {
  const spec = chrootSpec("ls /run/secrets /cache > /dev/null; cat /etc/hosts /etc/resolv.conf", {
    mounts: [
      {
        type: "file",
        content: Buffer.from("secret"),
        uid: 0,
        gid: 0,
        mode: 0o400,
        target: "/run/secrets/s",
        readonly: true,
      },
      { type: "tmpfs", target: "/cache", readonly: false },
    ],
  });
  const ran = await run(spec);
  assert.is(ran.exitCode, 0, ran.stderr);
  assert.equal(listed(spec.rootfs.upper), []);
});

test("a secret that was given another name is empty in the layer", async () => {
  const spec = chrootSpec("ln /run/s /kept; cat /run/s", {
    mounts: [
      { type: "file", content: Buffer.from("secret"), uid: 0, gid: 0, mode: 0o400, target: "/run/s", readonly: true },
    ],
  });
  assert.is((await run(spec)).stdout, "secret");
  assert.is(readFileSync(join(spec.rootfs.upper, "kept"), "utf8"), "");
});

test("a cache is at its place during the step, and back afterwards, also when the step fails or moves it", async () => {
  for (const script of ["true", "exit 3", "mv /c /elsewhere", "cd /; mv /c /tmp/x; mkdir /c; touch /c/other"]) {
    const cache = join(freshDirectory(), "cache");
    mkdirSync(cache);
    writeFileSync(join(cache, "old"), "old");
    const mounts = [{ type: "bind", source: cache, target: "/c", readonly: false }] as const;
    const spec = chrootSpec(`cat /c/old; echo new > /c/new; ${script}`, { mounts });
    assert.is((await run(spec)).stdout, "old");
    assert.equal(readdirSync(cache).sort(), ["new", "old"], script);
    assert.not(existsSync(join(spec.rootfs.upper, "elsewhere")));
  }
});

test("a cache that the step removed is empty afterwards", async () => {
  const cache = join(freshDirectory(), "cache");
  mkdirSync(cache);
  writeFileSync(join(cache, "old"), "old");
  await run(chrootSpec("rm -rf /c", { mounts: [{ type: "bind", source: cache, target: "/c", readonly: false }] }));
  assert.equal(readdirSync(cache), []);
});

test("a socket can be connected to at its target", async () => {
  const path = join(freshDirectory(), "s");
  const server = createServer((socket) => socket.end("answer\n")).listen(path);
  await once(server, "listening");
  const spec = chrootSpec("nc local:/run/agent < /dev/null || test -S /run/agent", {
    mounts: [{ type: "bind", source: path, target: "/run/agent", readonly: false }],
  });
  const ran = await run(spec);
  server.close();
  assert.is(ran.exitCode, 0, ran.stderr);
  assert.ok(lstatSync(path, { throwIfNoEntry: false }) === undefined || lstatSync(path).isSocket());
  assert.equal(listed(spec.rootfs.upper), []);
});

test("no process outlives the command, however it hides", async () => {
  const line = marked(7001);
  await run(
    chrootSpec(
      `(setsid ${line} & ); (trap '' TERM HUP; ${line}) & setsid sh -c '${line} & ${line}' & sleep 0.2; exit 0`,
    ),
  );
  assert.not(isAlive(line));
});

test("processes that fork as fast as they can are ended too", async () => {
  const line = marked(7002);
  const bomb = `i=0; while [ $i -lt 40 ]; do (setsid sh -c 'while :; do ${line} & sleep 0.01; done' &); i=$((i+1)); done; sleep 0.3`;
  const ran = await run(chrootSpec(bomb));
  assert.is(ran.exitCode, 0, ran.stderr);
  await sleep(50);
  assert.not(isAlive(line));
});

test("an aborted step gets SIGTERM, and SIGKILL when it stays", async () => {
  const line = marked(7003);
  for (const script of [`exec ${line}`, `trap '' TERM; ${line} & ${line}; ${line}`]) {
    const abort = new AbortController();
    const ended = run(chrootSpec(script), { signal: abort.signal, graceMs: 200 });
    await sleep(300);
    abort.abort();
    await ended.then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.name, "AbortError"),
    );
    assert.not(isAlive(line));
  }
});

test("a killed builder takes the step with it", async () => {
  const line = marked(7004);
  const fixture = fileURLToPath(new URL("./sandbox-spec.ts", import.meta.url));
  const index = fileURLToPath(new URL("../../runtime-core/index.ts", import.meta.url));
  const rootfs = { ...freshRootfs(), trees: join(freshDirectory(), "trees") };
  const script = `
    const { specOf } = await import(${JSON.stringify(fixture)});
    const { runSandbox } = await import(${JSON.stringify(index)});
    const spec = { ...specOf(${JSON.stringify(rootfs)}, ${JSON.stringify(`setsid ${line} & ${line}`)}), network: "host" };
    await runSandbox(spec, {});`;
  const builder = spawn(process.execPath, [
    "--import",
    import.meta.resolve("tsx"),
    "--input-type=module",
    "-e",
    script,
  ]);
  const hasStarted = await becomes(() => countOf(line) > 0);
  const ended = once(builder, "exit");
  builder.kill("SIGKILL");
  await ended;
  assert.ok(hasStarted);
  assert.ok(await becomes(() => countOf(line) === 0));
});

const ROOT = { uid: 0, gid: 0, additionalGids: [] };
const ORDINARY = { uid: 1000, gid: 1000, additionalGids: [] };
for (const [what, user, helpers] of [
  ["a supervisor that is killed", ROOT, () => [supervisor()]],
  ["a supervisor of an ordinary user's step that is killed", ORDINARY, () => [supervisor()]],
  ["a guardian that is killed", ORDINARY, () => [guardian()]],
  ["a supervisor that is killed with its guardian", ORDINARY, () => [guardian(), supervisor()]],
] as const) {
  test(`${what} leaves no process, and its builder hears of it`, async () => {
    const line = marked(7005);
    const script = `setsid ${line} & setsid sh -c '${line} & ${line}' > /dev/null 2>&1 & ${line} & wait`;
    const ended = run(chrootSpec(script, { user })).then(
      () => undefined,
      (error: SandboxError) => error,
    );
    assert.ok(await becomes(() => countOf(line) >= 4));
    for (const pid of helpers()) process.kill(pid, "SIGKILL");
    assert.is((await ended)?.code, "SANDBOX_KILLED");
    assert.not(isAlive(line));
  });
}

/** The helper of this process, started by one of its threads. */
function guardian(): number {
  return helperOf(readdirSync("/proc/self/task").flatMap((thread) => childrenOf(process.pid, thread)));
}

function supervisor(): number {
  return helperOf(childrenOf(guardian()));
}

function helperOf(pids: readonly number[]): number {
  const found = pids.find((pid) => commandLineOf(pid).startsWith("tsbuild-init"));
  assert.ok(found);
  return found;
}

function childrenOf(pid: number, thread: number | string = pid): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function countOf(line: string): number {
  const pids = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid));
  return pids.filter((pid) => commandLineOf(pid) === `${line.replaceAll(" ", "\0")}\0`).length;
}

function commandLineOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

async function becomes(claim: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 400 * SLOWDOWN && !claim(); tries++) await sleep(25);
  return claim();
}

test("limits hold where there are cgroups", async () => {
  const ran: Ran = await run(
    chrootSpec("i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i+1)); done; wait", { limits: { pids: 20 } }),
  );
  assert.is.not(ran.exitCode, 0);
  assert.is(ran.limitHit?.type, "pids");
});

test("a user is taken, with its groups, and cannot write what is root's", async () => {
  const user = { uid: 1000, gid: 1001, additionalGids: [50] };
  assert.is(await output("id -u; id -G; touch /etc/x 2>/dev/null || echo no", { user }), "1000\n1001 50\nno");
});

test("what chroot isolation has not is refused by name", async () => {
  const rejected = run(chrootSpec("true", { network: "none" }));
  await rejected.then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, "no network of its own"),
  );
});

test("20,000 files are found, changed and removed", async () => {
  const lowers = freshRootfs().lowers;
  const many = "mkdir /many; cd /many; for d in $(seq 200); do mkdir $d; for f in $(seq 100); do : > $d/$f; done; done";
  const first = { ...freshRootfs(lowers), trees };
  assert.is((await run(chrootSpec(many, { rootfs: first }))).exitCode, 0);
  const second = { ...freshRootfs([...lowers, first.upper]), trees };
  await run(chrootSpec("rm -rf /many/7; echo x > /many/8/9; rm /many/200/1", { rootfs: second }));
  assert.equal(listed(second.upper), ["many", "many/200", "many/200/1", "many/7", "many/8", "many/8/9"]);
  assert.ok(lstatSync(join(second.upper, "many/7")).isCharacterDevice());
});

test.after(() => releaseTrees(trees));

/** Without directories that only lead to something: the packer leaves those out. */
function listed(upper: string): readonly string[] {
  const names = readdirSync(upper, { recursive: true }).map(String);
  return names.filter((name) => !isEmptyDirectory(join(upper, name))).sort();
}

function isEmptyDirectory(path: string): boolean {
  return lstatSync(path).isDirectory() && readdirSync(path).length === 0;
}

test.run();
