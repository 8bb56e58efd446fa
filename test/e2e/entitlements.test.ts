import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type BuildError, build } from "../../builder/index.ts";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { makeTempDir } from "../helpers/temp.ts";

const entitlements = suite("e2e: entitlements");
const store = makeTempDir("store");
const user = new OrdinaryUser();

async function asRoot(lines: readonly string[], ...flags: readonly string[]): Promise<CommandResult> {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines) });
  const shown = ["--store", store, "--progress", "plain", "--no-cache"];
  return await tsbuild(["build", ...shown, ...(await busyboxFlags()), ...flags, context]);
}

async function asUser(lines: readonly string[], ...flags: readonly string[]): Promise<CommandResult> {
  const context = user.contextOf(makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines) }));
  const base = `busybox=oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;
  return await user.tsbuild(["build", "--progress", "plain", "--no-cache", "--build-context", base, ...flags, context]);
}

/** What steps printed, without progress. */
function printed({ stderr }: CommandResult): readonly string[] {
  return stderr.split("\n").flatMap((line) => /^#\d+ [\d.]+ (.*)$/.exec(line)?.[1] ?? []);
}

const REFUSED: readonly (readonly [line: string, allowed: string, entitlement: string])[] = [
  ["RUN --security=insecure true", "network.host", "security.insecure"],
  ["RUN --network=host true", "security.insecure", "network.host"],
];

for (const [line, allowed, entitlement] of REFUSED) {
  entitlements(`${line} without leave stops the build before any step runs (CVE-2024-23653)`, async () => {
    const result = await asRoot(["RUN echo it-ran", line], "--allow", allowed);
    assert.is(result.code, 1);
    assert.match(
      result.stderr,
      new RegExp(`^error: ${entitlement} is not allowed {2}\\[ENTITLEMENT_REQUIRED\\]$`, "m"),
    );
    assert.match(result.stderr, /^ +┌─ Dockerfile:3:1[56]$/m);
    assert.match(result.stderr, new RegExp(`^hint: .*--allow ${entitlement}`, "m"));
    assert.equal(printed(result), []);
  });
}

entitlements("a stage that the target does not need asks for no leave", async () => {
  assert.is((await asRoot(["RUN --security=insecure true", "FROM busybox"])).code, 0);
});

entitlements("who gives the whole build the host's network allows it to each step", async () => {
  const result = await asRoot(["RUN --network=host true"], "--network", "host");
  assert.is(result.code, 0, result.stderr);
});

entitlements("a trigger of a base image is refused like a line of the Dockerfile", async () => {
  const base = makeTempDir("layout");
  const onbuild = makeContext({ Dockerfile: dockerfile("FROM busybox", "ONBUILD RUN --security=insecure true") });
  const flags = ["--store", store, ...(await busyboxFlags()), "-o", `type=oci,dest=${base},tar=false`];
  assert.is((await tsbuild(["build", ...flags, onbuild])).code, 0);
  const context = makeContext({ Dockerfile: dockerfile("FROM evil") });
  const result = await tsbuild(["build", "--store", store, "--build-context", `evil=oci-layout://${base}`, context]);
  assert.match(result.stderr, /^error: security\.insecure is not allowed/m);
});

entitlements("the library takes the same names, and is refused with the same code", async () => {
  const context = makeContext({ Dockerfile: dockerfile("FROM busybox", "RUN --network=host true") });
  const buildContexts = { busybox: `oci-layout://${await baseImage("busybox")}:latest` };
  const options = { context, buildContexts, store };
  const error = await build(options).catch((thrown: BuildError) => thrown);
  assert.is("code" in error && error.code, "ENTITLEMENT_REQUIRED");
  assert.is((await build({ ...options, allow: ["network.host"] })).imageNames.length, 0);
});

const PROBE =
  'RUN --security=insecure grep -E "^(CapEff|CapBnd|Seccomp):" /proc/self/status | tr "\\n\\t" "  "; echo; mkdir /m;' +
  ' mount -t tmpfs x /m && echo mounted; umount /m; rmdir /m; [ "$(head -c 9 /proc/timer_list 2> /dev/null)" ] || echo masked;' +
  " grep -c ' /sys sysfs ro' /proc/mounts; unshare -U true && echo unshared";

/** All that the process has which builds: containers may lack some. */
const ALL = /^CapEff: ([0-9a-f]{16}) CapBnd: \1 Seccomp: 0 $/;

for (const [who, run] of [
  ["root", asRoot],
  ["an ordinary user", asUser],
] as const) {
  entitlements(`as ${who}, RUN --security=insecure has every capability there is, and nothing is closed`, async () => {
    const result = await run([PROBE], "--allow", "security.insecure");
    assert.is(result.code, 0, result.stderr);
    const [status = "", ...rest] = printed(result);
    assert.match(status, ALL);
    const isRealRoot = who === "root";
    // The kernel shows timers to the machine's root alone.
    assert.equal(
      rest.filter((line) => isRealRoot || line !== "masked"),
      ["mounted", "0", "unshared"],
    );
    assert.ok((BigInt(`0x${ALL.exec(status)?.[1]}`) & 0x200000n) !== 0n, "CAP_SYS_ADMIN");
  });

  entitlements(`as ${who}, the next step is fenced again`, async () => {
    const lines = ["RUN --security=insecure true", "RUN grep CapEff /proc/self/status; mount -t tmpfs x /tmp"];
    const result = await run(lines, "--allow", "security.insecure");
    assert.is(result.code, 1);
    assert.match(printed(result)[0] ?? "", /^CapEff:\s00000000a80425fb$/);
  });
}

entitlements("as root it makes and opens devices, and finds those that builds of disk images need", async () => {
  const script = "RUN --security=insecure mknod /d c 1 3 && echo x > /d && rm /d; ls /dev/loop0 /dev/fuse";
  const result = await asRoot([script], "--allow", "security.insecure");
  assert.equal(printed(result), ["/dev/fuse", "/dev/loop0"]);
});

entitlements("a step with every capability leaves no cgroup, whatever it made in its own", async () => {
  const made =
    "RUN --security=insecure for c in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir -p $c/a/b 2> /dev/null; done; cut -d: -f3 /proc/1/cgroup | sort -u";
  const { code, stderr } = await asRoot([made], "--allow", "security.insecure");
  assert.is(code, 0, stderr);
  const again = await asRoot(["RUN true"]);
  assert.is(again.code, 0, again.stderr);
});

entitlements("the same line with and without --security=insecure is not the same in the cache", async () => {
  const lines = (flag: string) => [`RUN ${flag}grep Seccomp: /proc/self/status > /s`, "RUN cat /s"];
  const cached = ["--allow", "security.insecure"];
  const context = (flag: string) => makeContext({ Dockerfile: dockerfile("FROM busybox", ...lines(flag)) });
  const flags = ["--store", store, "--progress", "plain", ...(await busyboxFlags()), ...cached];
  const fenced = await tsbuild(["build", ...flags, context("")]);
  const insecure = await tsbuild(["build", ...flags, context("--security=insecure ")]);
  assert.match(printed(fenced).join(), /Seccomp:\s2/);
  assert.match(printed(insecure).join(), /Seccomp:\s0/);
});

entitlements.run();
