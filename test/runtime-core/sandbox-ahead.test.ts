import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { until } from "../helpers/processes.ts";
import { SLOWDOWN } from "../helpers/slowdown.ts";
import { stepCgroups } from "../helpers/step-cgroups.ts";
import { freshDirectory, output, run, type SpecChanges, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox prepared ahead");

test("a step makes one sandbox ready for the next, which uses it up", async () => {
  const first = await ready();
  assert.is(await output("echo used"), "used");
  await until(() => helpers().length === 1 && helpers()[0] !== first);
});

test("after the last step none is made ready", async () => {
  await ready();
  await run(stepSpec("true"), { isLast: true });
  // Long enough for one to be made, were it asked for.
  await sleep(50);
  assert.equal(helpers(), []);
});

test("steps at the same time each have a sandbox of their own", async () => {
  await ready();
  const names = ["a", "b", "c", "d"];
  const scripts = names.map((name) => output(`echo ${name} > /tmp-${name}; sleep 0.1; ls -d /tmp-*`));
  assert.equal(
    await Promise.all(scripts),
    names.map((name) => `/tmp-${name}`),
  );
});

const different: Readonly<Record<string, [changes: SpecChanges, script: string, expected: RegExp]>> = {
  "another network": [{ network: "host" }, "readlink /proc/self/ns/net", new RegExp(ownNetwork())],
  "another memory limit": [
    { limits: { memoryBytes: 77 << 20 } },
    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null",
    /^80740352/,
  ],
  "another host name": [{ hostname: "other" }, "hostname", /^other$/],
  "no new privileges": [{ noNewPrivileges: true }, "grep NoNewPrivs /proc/self/status", /1$/],
  "another user": [{ user: { uid: 33, gid: 44, additionalGids: [55] } }, "id -u; id -G", /^33\n44 55$/],
  "other files": [{ hosts: "1.2.3.4 h\n", resolvConf: "r\n" }, "cat /etc/hosts /etc/resolv.conf", /^1.2.3.4 h\nr$/],
};

for (const [name, [changes, script, expected]] of Object.entries(different)) {
  test(`the next step may want ${name}`, async () => {
    await ready();
    const ran = await run(stepSpec(script, changes));
    assert.match(ran.stdout.trimEnd(), expected);
    const limited = (await run(stepSpec(script))).stdout.trimEnd();
    assert.not.match(limited, expected);
  });
}

test("what is mounted on the host since is there for the next step", async () => {
  const place = freshDirectory();
  await ready();
  execFileSync("mount", ["-t", "tmpfs", "none", place]);
  try {
    writeFileSync(join(place, "file"), "new");
    const mounts = [{ type: "bind", source: place, target: "/m", readonly: true }] as const;
    assert.is(await output("cat /m/file", { mounts }), "new");
  } finally {
    execFileSync("umount", [place]);
  }
});

test("a sandbox that was killed while it waited is not missed", async () => {
  for (const victim of [(helper: number) => helper, (helper: number) => childrenOf(helper)[0] as number]) {
    const helper = await ready();
    process.kill(victim(helper), "SIGKILL");
    await until(() => read(`/proc/${helper}/stat`).includes(") Z "));
    assert.is(await output("echo fine"), "fine");
  }
});

test("an error of set-up is the step's own, and the next one runs", async () => {
  await ready();
  const error = await run(stepSpec("true", { cwd: "/nope" })).catch((e: unknown) => e);
  assert.is((error as { step?: string }).step, "working directory");
  assert.is(await output("echo fine"), "fine");
});

const ends: Readonly<Record<string, string>> = {
  "ends by itself": "",
  "calls exit": "process.exit(0);",
  "is killed": "process.kill(process.pid, 'SIGKILL');",
};

for (const [name, end] of Object.entries(ends)) {
  test(`a builder that ${name} leaves nothing of what it prepared, and is not kept waiting`, async () => {
    const script = `
      import { output } from ${JSON.stringify(join(import.meta.dirname, "sandbox-fixture.ts"))};
      import { setTimeout as sleep } from "node:timers/promises";
      await output("true");
      await sleep(300);
      console.log("ready");
      ${end}`;
    const builder = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: freshDirectory() },
    });
    const { pid } = builder as { pid: number };
    const ended = new Promise((resolve) => builder.once("exit", resolve));
    await new Promise((resolve) => builder.stdout.once("data", resolve));
    const readyAt = performance.now();
    await ended;
    assert.ok(performance.now() - readyAt < 2000 * SLOWDOWN);
    await until(() => stepCgroups(pid).length === 0 && helperSessions(pid).length === 0);
  });
}

/** Waits until a sandbox for a plain step is prepared, and returns its helper. */
async function ready(): Promise<number> {
  await output("true");
  await until(() => helpers().length === 1 && childrenOf(helpers()[0] as number).length === 1);
  // Init is through with its part a few milliseconds later.
  await sleep(30);
  return helpers()[0] as number;
}

function helpers(): number[] {
  return childrenOf(process.pid).filter((pid) => read(`/proc/${pid}/cmdline`).startsWith("tsbuild-init"));
}

function childrenOf(parent: number): number[] {
  return pids().filter((pid) => parentOf(pid) === parent);
}

/** Helpers that outlive their builder belong to init; their cgroups name it. */
function helperSessions(builder: number): number[] {
  return pids().filter((pid) => read(`/proc/${pid}/cgroup`).includes(`-${builder}-`));
}

function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function parentOf(pid: number): number {
  return Number(
    read(`/proc/${pid}/stat`)
      .replace(/^.*\) /, "")
      .split(" ")[1],
  );
}

function ownNetwork(): string {
  return execFileSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" }).trim().replace(/[[\]]/g, "\\$&");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

test.run();
