import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SandboxCapabilities } from "../../runtime-core/index.ts";
import { makeBusyboxTree } from "../helpers/busybox-tree.ts";
import { commandOutput } from "../helpers/command.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("sandbox in a user namespace");

const FIRST_ID = 200_000;
let holder: ChildProcess;

interface Told {
  readonly probe: SandboxCapabilities;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly upper: readonly string[];
  readonly limit: string;
}

/** A user namespace whose root is host id 200000, kept open by a process of it. */
test.before(async () => {
  holder = spawn("unshare", ["--user", "sleep", "100"], { stdio: "ignore" });
  const own = readlinkSync("/proc/self/ns/user");
  const isThere = () => {
    try {
      return readlinkSync(`/proc/${holder.pid}/ns/user`) !== own;
    } catch {
      return false;
    }
  };
  while (!isThere()) await sleep(10);
  for (const kind of ["uid_map", "gid_map"]) writeFileSync(`/proc/${holder.pid}/${kind}`, `0 ${FIRST_ID} 65536\n`);
});

test.after(() => {
  holder.kill("SIGKILL");
});

async function inUserNamespace(script: string, network: string, temp: string): Promise<Told> {
  const program = `
    import { readdirSync } from "node:fs";
    import { probe } from ${JSON.stringify(join(process.cwd(), "runtime-core/index.ts"))};
    import { freshRootfs, run, stepSpec } from ${JSON.stringify(join(import.meta.dirname, "sandbox-fixture.ts"))};
    const rootfs = freshRootfs();
    const ran = await run(stepSpec(${JSON.stringify(script)}, { rootfs, network: ${JSON.stringify(network)} }));
    const limit = await run(stepSpec("true", { limits: { pids: 9 } })).then(() => "enforced", (error) => error.code + " " + error.message);
    console.log(JSON.stringify({ probe: probe(), ...ran, upper: readdirSync(rootfs.upper), limit }));`;
  const enter = ["nsenter", "--user", `--target=${holder.pid}`, "--setuid=0", "--setgid=0"];
  const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", program];
  return JSON.parse(await commandOutput([...enter, ...node], { env: { TMPDIR: temp } })) as Told;
}

/** A temporary directory that the namespace's root owns. */
function ownedTemp(): string {
  const temp = makeTempDir("rootless");
  chownSync(temp, FIRST_ID, FIRST_ID);
  return temp;
}

const SCRIPT = `cat /proc/self/uid_map; cd /proc/self/ns; for n in *; do readlink $n; done; cat /etc/hosts
  rm /etc/passwd; rm -r /home && mkdir /home && chown 33:50 /home; mount -t tmpfs x /tmp; ls /sys/class/net | head -n 1`;

for (const network of ["none", "host"]) {
  test(`a step runs with the caller's own ids, network ${network}`, async () => {
    const temp = ownedTemp();
    const told = await inUserNamespace(SCRIPT, network, temp);
    const [map = "", ...lines] = told.stdout.trim().split("\n");
    assert.equal(map.trim().split(/\s+/), ["0", "0", "65536"]);
    const same = lines.filter((line) => line.includes(":[") && line === hostLink(line.split(":")[0] ?? ""));
    assert.is(same.length, network === "host" ? 1 : 0, same.join());
    assert.ok(lines.includes("127.0.0.1 localhost"));
    assert.match(told.stderr, /mount: permission denied/);
    assert.is(lines.at(-1), network === "host" ? hostInterface() : "lo");
    assert.equal([...told.upper].sort(), ["etc", "home"]);
  });
}

test("what cannot be had is said by name", async () => {
  const told = await inUserNamespace("true", "none", ownedTemp());
  const { available, problems, userNamespace, overlay, privateNetwork, cgroup } = told.probe;
  const capabilities = { available, problems, userNamespace, overlay, privateNetwork, cgroup };
  assert.equal(capabilities, {
    available: true,
    problems: [],
    userNamespace: "identity",
    overlay: true,
    privateNetwork: true,
    cgroup: "none",
  });
  assert.match(told.limit, /^SANDBOX_LIMIT_UNSUPPORTED .*\bpids\b/);
});

test("a caller with a single id can run steps as root", async () => {
  const temp = ownedTemp();
  const busybox = await makeBusyboxTree(temp);
  chmodSync(join(busybox, "root"), 0o755);
  for (const name of ["upper", "work"]) await commandOutput(["install", "-d", "-o", "65534", join(temp, name)]);
  chownSync(temp, 65534, 65534);
  const program = `
    import { runSandbox } from ${JSON.stringify(join(process.cwd(), "runtime-core/index.ts"))};
    import { specOf } from ${JSON.stringify(join(import.meta.dirname, "sandbox-spec.ts"))};
    const [temp, busybox] = ${JSON.stringify([temp, busybox])};
    const rootfs = { lowers: [busybox], upper: temp + "/upper", work: temp + "/work" };
    const result = await runSandbox(specOf(rootfs, "id -u; cat /proc/self/setgroups"), {
      onStdout: (c) => process.stdout.write(c), onStderr: (c) => process.stderr.write(c) });
    process.exitCode = result.exitCode;`;
  const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "--user", "--map-root-user"];
  const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", program];
  assert.is(await commandOutput([...user, ...node], { env: { TMPDIR: temp } }), "0\ndeny\n");
});

function hostLink(kind: string): string {
  return readlinkSync(`/proc/self/ns/${kind.replace("_for_children", "")}`);
}

function hostInterface(): string | undefined {
  return readdirSync("/sys/class/net").sort()[0];
}

test.run();
