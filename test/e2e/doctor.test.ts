import { readdirSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { MachineCheck } from "../../runtime-core/index.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { Container } from "../helpers/container.ts";
import { makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";

const test = suite("tsbuild doctor");

function checksOf({ stdout }: CommandResult): ReadonlyMap<string, MachineCheck> {
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly MachineCheck[] };
  return new Map(checks.map((check) => [check.id, check]));
}

test("as root of this machine nothing is missing, and the exit code is 0", async () => {
  const result = await tsbuild(["doctor", "--json"]);
  assert.is(result.code, 0, result.stderr);
  const missing = [...checksOf(result).values()].filter(({ state }) => state === "missing");
  assert.equal(missing, []);
  assert.is(JSON.parse(result.stdout).isolation, "namespaces");
});

test("the report for people has a line a check, the remedies and what it comes to", async () => {
  const container = new Container();
  const { code, stdout } = await container.tsbuild(["doctor", "--store", container.home]);
  assert.is(code, 0);
  assert.match(stdout, /^missing +mount namespace +EPERM .*a filter of system calls refuses it {2}\[1\]$/m);
  assert.match(stdout, /^missing +\/proc .* {2}\[3\]$/m);
  assert.match(stdout, /^ {2}\[1\] {2}docker run --cap-add SYS_ADMIN /m);
  assert.match(stdout, /^ {2}\[3\] {2}docker run --security-opt systempaths=unconfined/m);
  const remedies = stdout.split("\n").flatMap((line) => /^ {2}\[\d+\] {2}(.*)$/.exec(line)?.[1] ?? []);
  assert.equal(remedies, [...new Set(remedies)]);
  for (const line of stdout.split("\n").filter((line) => /^(?:limited|missing) /.test(line)))
    assert.match(line, /\[\d\]$/);
  assert.match(stdout, /RUN steps run only with --isolation chroot/);
  // What runs the sources keeps its own cache there.
  assert.equal(
    readdirSync(container.home).filter((name) => !name.startsWith("tsx-")),
    [],
  );
});

test("a container that may not even make devices can run no step, and the exit code is 1", async () => {
  const container = new Container({ drop: ["MKNOD"] });
  const result = await container.tsbuild(["doctor", "--json", "--store", container.home]);
  assert.is(result.code, 1);
  const checks = checksOf(result);
  assert.is(checks.get("chroot")?.state, "missing");
  assert.match(checks.get("capabilities")?.remedy ?? "", "--cap-add MKNOD");
});

test("an ordinary user's sandbox is tried where its builds happen", async () => {
  const user = new OrdinaryUser();
  const result = await user.tsbuild(["doctor", "--json"]);
  assert.is(result.code, 0, result.stderr);
  const checks = checksOf(result);
  assert.is(checks.get("sandbox")?.state, "ok");
  assert.is(checks.get("ids.etc.subuid")?.state, "ok");
  assert.is(checks.get("network")?.state, "ok");
});

test("a user without subordinate ids is told how to get some", async () => {
  const user = new OrdinaryUser({ subordinateIds: "" });
  const result = await user.tsbuild(["doctor", "--json"]);
  assert.is(result.code, 0, result.stderr);
  assert.match(
    checksOf(result).get("ids.etc.subuid")?.remedy ?? "",
    /^as root: usermod --add-subuids \d+-\d+ tsbuild-test$/,
  );
});

test("no_new_privs, which takes newuidmap its rights, is named", async () => {
  const user = new OrdinaryUser({ through: ["setpriv", "--no-new-privs"] });
  const checks = checksOf(await user.tsbuild(["doctor", "--json"]));
  assert.is(checks.get("seccomp")?.state, "limited");
  assert.match(checks.get("seccomp")?.detail ?? "", "no_new_privs");
});

test("a newuidmap that is not setuid is named, by doctor and by a build", async () => {
  const prepare = "cp /usr/bin/newuidmap without; chmod 755 without; mount --bind without /usr/bin/newuidmap";
  const user = new OrdinaryUser({ prepare });
  const check = checksOf(await user.tsbuild(["doctor", "--json"])).get("ids");
  assert.is(check?.state, "limited");
  assert.match(check?.detail ?? "", "/usr/bin/newuidmap is not setuid root");
  assert.match(check?.remedy ?? "", "chmod u+s /usr/bin/newuidmap");
  const context = user.contextOf(makeContext({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" }));
  assert.match((await user.tsbuild(["build", context])).stderr, /^warning: \/usr\/bin\/newuidmap is not setuid root: /);
});

test("an argument that makes no sense is a usage error", async () => {
  assert.is((await tsbuild(["doctor", "now"])).code, 2);
  assert.match((await tsbuild(["doctor", "--help"])).stdout, "Usage: tsbuild doctor");
});

test.run();
