import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TSBUILD, tsbuildOk } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { sleepers, until, unusualSeconds } from "../helpers/processes.ts";
import { storeProblems } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const interrupt = suite("e2e: interrupted builds");

/** A build in the middle of a RUN: `pids` are the step's processes as the host sees them, `cgroups` their directories. */
interface RunningStep {
  readonly child: ChildProcess;
  readonly pids: readonly number[];
  readonly cgroups: readonly string[];
}

async function startSleepingStep(store: string): Promise<RunningStep> {
  const seconds = unusualSeconds();
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", `RUN sleep ${seconds} & sleep ${seconds}`) });
  const [file = "", ...args] = TSBUILD;
  const flags = ["--store", store, "--tag", "interrupted", ...(await busyboxFlags())];
  const child = spawn(file, [...args, "build", ...flags, context], { stdio: "ignore" });
  const pids = await until(() => {
    const found = sleepers(seconds);
    return found.length === 2 ? found : undefined;
  });
  return { child, pids, cgroups: pids.flatMap(cgroupsOf) };
}

/** The cgroup directories of a process that are not also this test's own, v1 and v2. */
function cgroupsOf(pid: number): string[] {
  const own = new Set(cgroupLines("self"));
  return cgroupLines(`${pid}`)
    .filter((line) => !own.has(line))
    .flatMap((line) => {
      const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      const mounts = ["", "unified", ...controllers.replace("name=", "").split(","), controllers];
      return mounts.map((mount) => join("/sys/fs/cgroup", mount, path)).filter((directory) => existsSync(directory));
    });
}

function cgroupLines(pid: string): string[] {
  return readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
}

async function assertNextBuildWorks(store: string): Promise<void> {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN echo next > /next") });
  await tsbuildOk(["build", "--store", store, "--tag", "next", ...(await busyboxFlags()), context]);
}

interrupt("the step has a cgroup of its own", async () => {
  const { child, cgroups } = await startSleepingStep(makeTempDir("store"));
  child.kill("SIGINT");
  await once(child, "exit");
  assert.ok(cgroups.length > 0);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  interrupt(`${signal} ends the build with ${signal === "SIGINT" ? 130 : 143} and leaves nothing behind`, async () => {
    const store = makeTempDir("store");
    const { child, pids, cgroups } = await startSleepingStep(store);
    child.kill(signal);
    // A process that is ended by a signal has the status 128 + n for its shell.
    const [code, ended] = await once(child, "exit");
    assert.is(code ?? 128 + constants.signals[ended as NodeJS.Signals], signal === "SIGINT" ? 130 : 143);
    await until(() => pids.every((pid) => !existsSync(`/proc/${pid}`)));
    assert.equal(
      cgroups.filter((directory) => existsSync(directory)),
      [],
    );
    assert.equal(storeProblems(store), []);
    await assertNextBuildWorks(store);
  });
}

interrupt("SIGKILL takes the step's processes along, and the next build sweeps what is left", async () => {
  const store = makeTempDir("store");
  const { child, pids, cgroups } = await startSleepingStep(store);
  child.kill("SIGKILL");
  await once(child, "exit");
  await until(() => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  await assertNextBuildWorks(store);
  assert.equal(storeProblems(store), []);
  assert.equal(
    cgroups.filter((directory) => existsSync(directory)),
    [],
  );
});

/** Runs a command line as the child of a PID 1 that waits for no other process, and prints which processes are there then. */
const LAX_INIT = `
  const { status, stderr } = require("node:child_process").spawnSync(process.argv[1], process.argv.slice(2));
  const pids = require("node:fs").readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  console.log(status, pids.join(" "), String(stderr).match(/^error.*/m)?.[0] ?? "");`;

interrupt("a build leaves no process to a container's init, not even an ended one", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN true", "RUN echo 1 > /1") });
  const build = [...TSBUILD, "build", "--store", makeTempDir("store"), ...(await busyboxFlags()), context];
  const init = ["unshare", "--pid", "--fork", "--mount-proc", process.execPath, "--eval", LAX_INIT, "--"];
  assert.is((await commandOutput([...init, ...build])).trim(), "0 1");
});

interrupt.run();
