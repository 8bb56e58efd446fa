import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runSandbox, SandboxError } from "../../runtime-core/index.ts";
import { mounts } from "../helpers/mounts.ts";
import { until } from "../helpers/processes.ts";
import { stepCgroups } from "../helpers/step-cgroups.ts";
import { freshDirectory, freshRootfs, listTree, output, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("sandbox life");

test("output arrives while the step runs, in order, and all of it before the end", async () => {
  const seen: string[] = [];
  let firstAt = 0;
  const startedAt = performance.now();
  await runSandbox(stepSpec("echo 1; sleep 0.5; echo 2; seq 3 20000"), {
    onStdout: (chunk) => {
      firstAt ||= performance.now() - startedAt;
      seen.push(Buffer.from(chunk).toString());
    },
  });
  assert.ok(performance.now() - startedAt - firstAt > 400, "the first line came with the last");
  assert.is(seen.join(""), Array.from({ length: 20000 }, (_, i) => `${i + 1}\n`).join(""));
});

test("standard output and standard error are told apart", async () => {
  const ran = await run(stepSpec("echo out; echo err >&2"));
  assert.is(ran.stdout, "out\n");
  assert.is(ran.stderr, "err\n");
});

test("20 MB of output pass whole", async () => {
  let bytes = 0;
  await runSandbox(stepSpec("head -c 20000000 /dev/zero"), { onStdout: (chunk) => (bytes += chunk.length) });
  assert.is(bytes, 20_000_000);
});

test("what the command leaves running ends with it", async () => {
  const startedAt = performance.now();
  const rootfs = freshRootfs();
  await output("setsid sleep 3081 & (trap '' TERM HUP; sleep 3081) & while :; do :; done & echo started", { rootfs });
  assert.ok(performance.now() - startedAt < 5000);
  assert.equal(processesNamed("sleep\x003081"), []);
});

test("an abort asks with SIGTERM first", async () => {
  const rootfs = freshRootfs();
  const controller = new AbortController();
  const reason = new Error("enough");
  const running = runSandbox(
    stepSpec("trap 'echo asked > /asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done", { rootfs }),
    { onStdout: () => controller.abort(reason) },
    { signal: controller.signal, graceMs: 20_000 },
  );
  assert.is(await rejection(running), reason);
  assert.equal(listTree(rootfs.upper), ["asked"]);
});

test("an abort kills what does not listen, sessions of their own included", async () => {
  const controller = new AbortController();
  const script =
    "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 3082; sleep 3082' & echo ready; sleep 3082; sleep 3082";
  const startedAt = performance.now();
  const running = runSandbox(
    stepSpec(script),
    { onStdout: () => controller.abort() },
    { signal: controller.signal, graceMs: 200 },
  );
  assert.is((await rejection(running)) as unknown, controller.signal.reason);
  assert.ok(performance.now() - startedAt < 10_000);
  assert.equal(processesNamed("sleep\x003082"), []);
});

test("a signal that has fired starts nothing", async () => {
  const reason = new Error("before");
  assert.is(await rejection(run(stepSpec("true"), { signal: AbortSignal.abort(reason) })), reason);
});

test("a listener that throws ends the step and passes its error on", async () => {
  const thrown = new Error("listener");
  const running = runSandbox(stepSpec("echo x; sleep 3083"), {
    onStdout: () => {
      throw thrown;
    },
  });
  assert.is(await rejection(running), thrown);
  assert.equal(processesNamed("sleep\x003083"), []);
});

test("SIGTERM from inside does not end the step", async () => {
  assert.is(await output("kill -TERM 1; kill -KILL 1; sleep 0.1; echo alive"), "alive");
});

test("a killed builder leaves no process", async () => {
  const script = `
    import { runSandbox } from ${JSON.stringify(join(process.cwd(), "runtime-core/index.ts"))};
    import { stepSpec } from ${JSON.stringify(join(import.meta.dirname, "sandbox-fixture.ts"))};
    await runSandbox(stepSpec("setsid sleep 3084 & echo ready; sleep 3084"), { onStdout: (c) => process.stdout.write(c) });`;
  const builder = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    // Killed, it cannot clean up: this test does.
    env: { ...process.env, TMPDIR: freshDirectory() },
  });
  await new Promise((resolve) => builder.stdout.once("data", resolve));
  await until(() => processesNamed("sleep\x003084").length >= 2);
  const ended = new Promise((resolve) => builder.once("close", resolve));
  builder.kill("SIGKILL");
  await ended;
  await until(() => processesNamed("sleep\x003084").length === 0);
});

test("50 steps leave no descriptor, mount, cgroup or process behind, but for the one sandbox prepared ahead", async () => {
  const rest = () => ({
    fds: readdirSync("/proc/self/fd").length,
    mounts: mounts(),
    cgroups: stepCgroups(process.pid).length,
    helpers: processesNamed("tsbuild-init").filter((pid) => parentOf(pid) === process.pid).length,
  });
  await output("true");
  await until(() => rest().helpers === 1);
  const before = rest();
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 5 }, () => output("true")));
  await until(() => JSON.stringify(rest()) === JSON.stringify(before));
});

test("usage counts what the step and its children used", async () => {
  const ran = await run(
    stepSpec("sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'; head -c 30000000 /dev/zero > /dev/shm/x"),
  );
  assert.is(ran.exitCode, 0);
  assert.ok(ran.usage.cpuUserMs > 5, `user ${ran.usage.cpuUserMs}`);
  assert.ok(ran.usage.wallMs > ran.usage.cpuUserMs / 2);
  assert.ok((ran.usage.memoryPeakBytes ?? 0) > 30_000_000, `memory ${ran.usage.memoryPeakBytes}`);
  assert.ok((ran.usage.pidsPeak ?? 0) >= 2);
});

test("a spec that cannot be is refused by name", async () => {
  const bad = [
    { changes: { argv: [] }, message: /there is no command/ },
    { changes: { cwd: "relative" }, message: /working directory is not absolute/ },
    { changes: { env: ["A=\0"] }, message: /NUL/ },
    { changes: { hostname: "h".repeat(65) }, message: /host name/ },
  ];
  for (const { changes, message } of bad) {
    const error = (await rejection(run(stepSpec("true", changes)))) as SandboxError;
    assert.instance(error, SandboxError);
    assert.is(error.code, "SANDBOX_INVALID_SPEC");
    assert.match(error.message, message);
  }
});

test("a working directory that does not exist is an error of set-up", async () => {
  const error = (await rejection(run(stepSpec("true", { cwd: "/nope" })))) as SandboxError;
  assert.is(error.code, "SANDBOX_SETUP_FAILED");
  assert.is(error.step, "working directory");
  assert.is(error.subject, "/nope");
  assert.is(error.errno, 2);
});

test("a working directory cannot be a descriptor of the host", async () => {
  for (let fd = 3; fd < 30; fd++) {
    const error = (await rejection(run(stepSpec("true", { cwd: `/proc/self/fd/${fd}` })))) as SandboxError;
    assert.is(error.step, "working directory");
  }
});

test("a missing upper is named", async () => {
  const rootfs = { ...freshRootfs(), upper: "/nonexistent/upper" };
  const error = (await rejection(run(stepSpec("true", { rootfs })))) as SandboxError;
  assert.instance(error, SandboxError);
  assert.match(error.message, /\/nonexistent\/upper/);
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error(`it resolved: ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

/** Processes whose command line holds `part`; arguments are separated by NUL. */
function processesNamed(part: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => (read(`/proc/${pid}/cmdline`) ?? "").includes(part) && pid !== process.pid);
}

function parentOf(pid: number): number {
  return Number(
    read(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /, "")
      .split(" ")[1],
  );
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

test.run();
