import { readlinkSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { probe } from "../../runtime-core/index.ts";
import { isMachineRoot, rootOnly } from "../helpers/privilege.ts";
import { output, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox");
const root = rootOnly(test, "a user's step has the ids that the user has");

test("this machine can run steps, as root with mapped ids", () => {
  const { cgroup, checks, ...rest } = probe();
  const userNamespace = isMachineRoot ? "idmapped" : "identity";
  const found = {
    available: true,
    problems: [],
    userNamespace,
    overlay: true,
    privateNetwork: true,
    isolation: "namespaces",
  };
  assert.equal(rest, { ...found, chroot: isMachineRoot });
  assert.equal(
    checks.filter(({ state }) => state === "missing"),
    [],
  );
  assert.ok(["v1", "v2"].includes(cgroup), cgroup);
});

test("a step has eight namespaces of its own", async () => {
  const names = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
  const inside = (await output(`cd /proc/self/ns && for n in ${names.join(" ")}; do readlink $n; done`)).split("\n");
  const outside = names.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  assert.is(inside.length, names.length);
  for (const [i, link] of inside.entries()) {
    assert.match(link, new RegExp(`^${names[i]}:`));
    assert.is.not(link, outside[i]);
  }
});

root("root of a step is an ordinary user outside", async () => {
  assert.equal((await output("cat /proc/self/uid_map")).trim().split(/\s+/), ["0", "100000", "4294867295"]);
  assert.is(await output("id"), "uid=0(root) gid=0(root)");
});

test("clocks that count from boot start near zero", async () => {
  const [uptime = "", monotonic = ""] = (await output("cat /proc/uptime; awk '{print $1}' /proc/uptime")).split("\n");
  assert.ok(Number(uptime.split(" ")[0]) < 10, uptime);
  assert.ok(Number(monotonic) < 10, monotonic);
});

test("PID 1 is the helper and the command is its child", async () => {
  assert.is(await output("echo $$ $PPID"), "2 1");
  assert.is(await output("echo /proc/[0-9]*"), "/proc/1 /proc/2");
});

test("the host name is the step's", async () => {
  assert.is(await output("hostname", { hostname: "buildkitsandbox" }), "buildkitsandbox");
});

const ends: readonly [what: string, script: string, exitCode: number, signal: string | undefined][] = [
  ["success", "exit 0", 0, undefined],
  ["a code", "exit 42", 42, undefined],
  ["the largest code", "exit 255", 255, undefined],
  ["SIGTERM", "kill -TERM $$", 143, "SIGTERM"],
  ["SIGKILL", "kill -KILL $$", 137, "SIGKILL"],
  ["SIGSEGV", "kill -SEGV $$", 139, "SIGSEGV"],
];
for (const [what, script, exitCode, signal] of ends) {
  test(`a command that ends with ${what} is a result`, async () => {
    const ran = await run(stepSpec(script));
    assert.is(ran.exitCode, exitCode);
    assert.is(ran.signal, signal);
    assert.is(ran.limitHit, undefined);
  });
}

const refused: readonly [what: string, argv: string[], exitCode: number, message: string][] = [
  ["a name that is nowhere in PATH", ["nope"], 127, 'exec: "nope": executable file not found in $PATH\n'],
  ["a path that does not exist", ["/nope"], 127, 'exec: "/nope": no such file or directory\n'],
  ["a file that is not executable", ["/etc/passwd"], 126, 'exec: "/etc/passwd": permission denied\n'],
  ["a directory", ["/etc"], 126, 'exec: "/etc": permission denied\n'],
  ["an empty name", [""], 127, 'exec: "": executable file not found in $PATH\n'],
];
for (const [what, argv, exitCode, message] of refused) {
  test(`${what} ends as a shell would`, async () => {
    const ran = await run(stepSpec("", { argv }));
    assert.is(ran.exitCode, exitCode);
    assert.is(ran.stderr, message);
  });
}

test("a program is looked up in the PATH of the step", async () => {
  const ran = await run(stepSpec("", { argv: ["true"], env: ["PATH=/nowhere:/etc:/bin"] }));
  assert.is(ran.exitCode, 0);
});

test("arguments and environment arrive as they are, and nothing else does", async () => {
  const argv = ["/bin/sh", "-c", 'printf "%s|" "$@"; env', "sh", "a b", "", "é\n"];
  const ran = await run(stepSpec("", { argv, env: ["PATH=/bin", "EMPTY=", "X=1=2"] }));
  assert.is(ran.stdout.split("|").slice(0, 3).join("|"), "a b||é\n");
  const env = ran.stdout
    .slice(ran.stdout.lastIndexOf("|") + 1)
    .trim()
    .split("\n");
  assert.equal(env.sort(), ["EMPTY=", "PATH=/bin", "PWD=/", "SHLVL=1", "X=1=2"]);
});

test("the command starts in its directory", async () => {
  assert.is(await output("pwd", { cwd: "/var/tmp" }), "/var/tmp");
});

test("umask, limits and signals are those of a fresh login", async () => {
  assert.is(
    await output("umask; ulimit -c; grep -E 'Sig(Ign|Blk)' /proc/self/status | cut -f2 | sort -u"),
    "0022\n0\n0000000000000000",
  );
});

test("stdin is empty and no other descriptor is open", async () => {
  assert.is(await output("cat; ls /proc/$$/fd; true"), "0\n1\n2");
  assert.is(await output("readlink /proc/self/fd/0"), "/dev/null");
});

test("a writer whose reader is gone gets SIGPIPE", async () => {
  const ran = await run(stepSpec("(yes; echo $? >&2) | head -n 1"));
  assert.is(ran.stdout, "y\n");
  assert.is(ran.stderr, "141\n");
});

test("the session keyring is not the caller's", async () => {
  assert.is(await output("cat /proc/keys | wc -l"), "0");
});

test.run();
