import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SandboxMount } from "../../runtime-core/index.ts";
import { SandboxError } from "../../runtime-core/index.ts";
import { programFiles } from "../helpers/shared-objects.ts";
import { busybox, freshDirectory, freshRootfs, listTree, output, ownership, run, stepSpec } from "./sandbox-fixture.ts";

const test = suite("the sandbox's own mounts");

/** A layer with these files. */
function layer(files: Readonly<Record<string, string>>): string {
  const directory = freshDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** Two layers, the upper of which hides a file of the lower. */
function twoLayers() {
  const upper = layer({ "a/upper": "upper\n", "a/both": "above\n" });
  return { lowers: [layer({ "a/lower": "lower\n", "a/both": "below\n" }), upper] };
}

test("a directory of several layers is mounted as overlayfs stacks them", async () => {
  const mounts: SandboxMount[] = [{ type: "rootfs", rootfs: twoLayers(), path: "/a", target: "/m", readonly: true }];
  assert.is(await output("cat /m/lower /m/upper /m/both", { mounts }), "lower\nupper\nabove");
  const refused = await run(stepSpec("echo x > /m/new", { mounts }));
  assert.match(refused.stderr, /Read-only file system/);
});

test("a single file of a layer is mounted on a file", async () => {
  const mounts: SandboxMount[] = [
    { type: "rootfs", rootfs: twoLayers(), path: "/a/both", target: "/etc/one", readonly: true },
  ];
  assert.is(await output("cat /etc/one", { mounts }), "above");
});

test("a root without layers is an empty directory", async () => {
  const mounts: SandboxMount[] = [{ type: "rootfs", rootfs: { lowers: [] }, path: "/", target: "/m", readonly: true }];
  assert.is(await output("ls -A /m | wc -l", { mounts }), "0");
});

test("writes to a mounted root go to its own upper", async () => {
  const own = freshRootfs(twoLayers().lowers);
  const rootfs = freshRootfs();
  const mounts: SandboxMount[] = [{ type: "rootfs", rootfs: own, path: "/a", target: "/m", readonly: false }];
  assert.is(await output("echo new > /m/new; rm /m/lower; ls /m", { rootfs, mounts }), "both\nnew\nupper");
  assert.equal(listTree(rootfs.upper), []);
  assert.equal(readdirSync(own.upper), ["a"]);
});

test("a symbolic link in a mounted root stays inside it", async () => {
  const lower = layer({ "real/file": "inside\n" });
  symlinkSync("/real", join(lower, "absolute"));
  symlinkSync("../../../../etc", join(lower, "up"));
  const at = (path: string): SandboxMount[] => [
    { type: "rootfs", rootfs: { lowers: [lower] }, path, target: "/m", readonly: true },
  ];
  assert.is(await output("cat /m/file", { mounts: at("/absolute") }), "inside");
  await fails({ mounts: at("/up") }, /mount source/);
});

const dangling: Readonly<Record<string, [links: Readonly<Record<string, string>>, target: string, leadsTo: string]>> = {
  "a link": [{ "var/lock": "/gone/lock" }, "/var/lock/deep", "/gone/lock/deep"],
  "a link as the mount point": [{ link: "nowhere/yet" }, "/link", "/nowhere/yet"],
  "a link to a link": [{ one: "two", two: "/three" }, "/one", "/three"],
  "a link that climbs": [{ "var/up": "../../../../new/up" }, "/var/up", "/new/up"],
};

for (const [name, [links, target, leadsTo]] of Object.entries(dangling)) {
  test(`${name} to what is not there yet is followed inside the root, and nothing of it stays`, async () => {
    const rootfs = freshRootfs();
    mkdirSync(join(rootfs.upper, "var"));
    for (const [path, text] of Object.entries(links)) symlinkSync(text, join(rootfs.upper, path));
    const before = listTree(rootfs.upper);
    const directory: SandboxMount = { type: "bind", source: layer({ f: "mounted\n" }), target, readonly: true };
    assert.is(await output(`cat ${leadsTo}/f`, { rootfs, mounts: [directory] }), "mounted");
    const file: SandboxMount = {
      type: "file",
      content: Buffer.from("file"),
      uid: 0,
      gid: 0,
      mode: 0o400,
      target,
      readonly: true,
    };
    assert.is(await output(`cat ${leadsTo}`, { rootfs, mounts: [file] }), "file");
    assert.equal(listTree(rootfs.upper), before);
  });
}

test("a link to itself is no mount point", async () => {
  const rootfs = freshRootfs();
  symlinkSync("loop", join(rootfs.upper, "loop"));
  const mounts: SandboxMount[] = [{ type: "tmpfs", target: "/loop/t", readonly: false }];
  await fails({ rootfs, mounts }, /mount point: \/loop\/t/);
});

test("a symbolic link in the image carries a mount to where it leads inside the root", async () => {
  const rootfs = freshRootfs();
  mkdirSync(join(rootfs.upper, "var"));
  mkdirSync(join(rootfs.upper, "there"));
  symlinkSync("../../../../there", join(rootfs.upper, "var/link"));
  const mounts: SandboxMount[] = [
    { type: "bind", source: layer({ f: "x\n" }), target: "/var/link/deep", readonly: true },
  ];
  assert.is(await output("cat /there/deep/f", { rootfs, mounts }), "x");
  assert.equal(listTree(rootfs.upper), ["there", "var", "var/link"]);
});

test("a tmpfs is empty, of its own size, and leaves nothing", async () => {
  const rootfs = freshRootfs();
  const mounts: SandboxMount[] = [{ type: "tmpfs", target: "/t", sizeBytes: 65536, readonly: false }];
  const script =
    "stat -c '%a %u' /t; head -c 40000 /dev/zero > /t/a; head -c 40000 /dev/zero > /t/b 2>/dev/null; wc -c < /t/b";
  const [mode, second] = (await output(script, { rootfs, mounts })).split("\n");
  assert.is(mode, "1777 0");
  assert.ok(Number(second) < 40_000, second);
  assert.equal(listTree(rootfs.upper), []);
});

test("a tmpfs may be readonly", async () => {
  const ran = await run(stepSpec("touch /t/x", { mounts: [{ type: "tmpfs", target: "/t", readonly: true }] }));
  assert.match(ran.stderr, /Read-only file system/);
});

test("a file in memory has its owner, mode and content, and cannot be changed", async () => {
  const rootfs = freshRootfs();
  const content = Uint8Array.of(0, 255, 10, 65);
  const mounts: SandboxMount[] = [
    { type: "file", content, uid: 1000, gid: 1001, mode: 0o440, target: "/run/secrets/s", readonly: true },
  ];
  const script = "stat -c '%a %u %g %s' /run/secrets/s; od -An -tx1 /run/secrets/s; stat -f -c %T /run/secrets/s";
  assert.is(await output(script, { rootfs, mounts }), "440 1000 1001 4\n 00 ff 0a 41\ntmpfs");
  assert.equal(listTree(rootfs.upper), []);
  assert.match((await run(stepSpec("echo x > /run/secrets/s", { mounts }))).stderr, /Read-only file system/);
});

test("a file in memory may be empty, and others may not read what is its owner's", async () => {
  const mounts: SandboxMount[] = [
    { type: "file", content: new Uint8Array(), uid: 0, gid: 0, mode: 0o400, target: "/e", readonly: true },
  ];
  assert.is(await output("wc -c < /e", { mounts }), "0");
  const user = { uid: 1000, gid: 1000, additionalGids: [] };
  assert.match((await run(stepSpec("cat /e", { mounts, user }))).stderr, /Permission denied/);
});

test("a directory that is bound writable keeps what the step's ids write", async () => {
  const source = freshDirectory();
  chmodSync(source, 0o777);
  const mounts: SandboxMount[] = [{ type: "bind", source, target: "/c", readonly: false }];
  await output("echo kept > /c/f", { mounts, user: { uid: 1000, gid: 1000, additionalGids: [] } });
  assert.is(readFileSync(join(source, "f"), "utf8"), "kept\n");
  assert.is(ownership(join(source, "f")), "1000:1000 644");
});

test("a socket of the host is answered from outside", async () => {
  const directory = freshDirectory();
  const path = join(directory, "s");
  const server = createServer((socket) => socket.end("hello\n")).listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  chownSync(path, 1000, 1000);
  chmodSync(path, 0o600);
  const node = await programFiles(process.execPath);
  const mounts: SandboxMount[] = [
    ...[...node].map(([target, source]): SandboxMount => ({ type: "bind", source, target, readonly: true })),
    { type: "bind", source: path, target: "/run/agent", readonly: false },
  ];
  const user = { uid: 1000, gid: 1000, additionalGids: [] };
  const connect = "require('node:net').connect('/run/agent').pipe(process.stdout)";
  const script = `stat -c '%F %a %u' /run/agent; ${process.execPath} -e "${connect}"`;
  try {
    assert.is(await output(script, { mounts, user }), "socket 600 1000\nhello");
  } finally {
    server.close();
  }
});

test("a mount in another comes after it, and its mount point goes again", async () => {
  const rootfs = freshRootfs();
  const cache = freshDirectory();
  const mounts: SandboxMount[] = [
    { type: "bind", source: cache, target: "/c", readonly: false },
    { type: "tmpfs", target: "/c/deep/er", readonly: false },
  ];
  assert.is(await output("echo x > /c/deep/er/f; ls /c", { rootfs, mounts }), "deep");
  assert.equal([listTree(cache), listTree(rootfs.upper)], [[], []]);
});

test("120 mounts fit", async () => {
  const rootfs = freshRootfs();
  const mounts = Array.from(
    { length: 120 },
    (_, n): SandboxMount => ({
      type: "rootfs",
      rootfs: { lowers: [busybox] },
      path: "/bin",
      target: `/m/${n}`,
      readonly: true,
    }),
  );
  assert.is(await output("ls /m | wc -l; ls /m/119/busybox", { rootfs, mounts }), "120\n/m/119/busybox");
  assert.equal(listTree(rootfs.upper), []);
  const [first] = mounts as [SandboxMount];
  await fails({ mounts: [...mounts, first] }, /too many mounts/);
});

test("as many fit where every mount point has to be made, and none of them stays", async () => {
  const cache = freshDirectory();
  const inner = Array.from(
    { length: 119 },
    (_, n): SandboxMount => ({ type: "tmpfs", target: `/c/${n}/m`, readonly: false }),
  );
  const mounts: SandboxMount[] = [{ type: "bind", source: cache, target: "/c", readonly: false }, ...inner];
  assert.is(await output("ls /c | wc -l", { mounts }), "119");
  assert.equal(listTree(cache), []);
});

test("a mount needs a place of its own and a possible size", async () => {
  const wrong: readonly SandboxMount[] = [
    { type: "tmpfs", target: "/", readonly: false },
    { type: "tmpfs", target: "relative", readonly: false },
    { type: "tmpfs", target: "/a/../b", readonly: false },
    { type: "bind", source: "relative", target: "/a", readonly: false },
    { type: "tmpfs", target: "/a", readonly: false, sizeBytes: 0 },
  ];
  for (const mount of wrong) await fails({ mounts: [mount] }, /mount is not between|not a possible size/);
});

async function fails(changes: Parameters<typeof stepSpec>[1], message: RegExp): Promise<void> {
  try {
    await run(stepSpec("true", changes));
  } catch (error) {
    assert.instance(error, SandboxError);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable("it ran");
}

test.run();
