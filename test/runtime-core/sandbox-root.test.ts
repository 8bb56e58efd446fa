import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SandboxError } from "../../runtime-core/index.ts";
import { commandOutput } from "../helpers/command.ts";
import { isMachineRoot, rootOnly } from "../helpers/privilege.ts";
import {
  busybox,
  freshDirectory,
  freshRootfs,
  listTree,
  output,
  ownership,
  run,
  type SpecChanges,
  stepSpec,
} from "./sandbox-fixture.ts";

const test = suite("sandbox root");
const root = rootOnly(test, "takes ids, mounts or devices that only root has");
/** A user's overlay has attributes that a user may set: overlayfs, "userxattr". */
const OPAQUE = `${isMachineRoot ? "trusted" : "user"}.overlay.opaque`;

test("an empty step leaves an empty upper", async () => {
  const rootfs = freshRootfs();
  await output("true", { rootfs });
  assert.equal(listTree(rootfs.upper), []);
  assert.is(await commandOutput(["getfattr", "-d", "-m", "-", rootfs.upper]), "");
});

test("what is above a mount in the step is the step's own root, and it knows no mount of the host's", async () => {
  const inodes = await output("stat -c %d:%i / /.. /dev/.. /proc/.. /sys/.. /etc/hosts/../.. 2> /dev/null | uniq");
  assert.is(inodes.split("\n").length, 1, inodes);
  const mounts = await output("cut -d ' ' -f 5 /proc/self/mountinfo");
  assert.is(mounts.split("\n").filter((path) => path === "/").length, 1, mounts);
});

test("hosts and resolv.conf have the given content and cannot be written", async () => {
  assert.is(await output("cat /etc/hosts /etc/resolv.conf"), "127.0.0.1 localhost\nnameserver 192.0.2.1");
  const ran = await run(stepSpec("echo x >> /etc/hosts; rm /etc/resolv.conf"));
  assert.match(ran.stderr, /etc\/hosts: Read-only file system/);
  assert.match(ran.stderr, /etc\/resolv.conf': (Resource|Device or resource) busy/);
});

test("files get the ids of the image on disk, and keep them", async () => {
  const rootfs = freshRootfs();
  await output("echo a > /root/a; echo b > /tmp/b; chown 33:50 /tmp/b; chmod 4755 /tmp/b; mkdir -m 700 /d", { rootfs });
  assert.is(ownership(join(rootfs.upper, "root/a")), "0:0 644");
  assert.is(ownership(join(rootfs.upper, "tmp/b")), "33:50 4755");
  assert.is(ownership(join(rootfs.upper, "d")), "0:0 700");
  assert.is(ownership(join(rootfs.upper, "root")), "0:0 700");
});

root("an id above 65535 in the image is the same id in the step, and can be given to files", async () => {
  const lower = freshDirectory();
  writeFileSync(join(lower, "big"), "x");
  chownSync(join(lower, "big"), 1_000_570_000, 2_000_000);
  const rootfs = freshRootfs([busybox, lower]);
  assert.is(await output("stat -c %u:%g /big; touch /new; chown 3000000000:7 /new", { rootfs }), "1000570000:2000000");
  assert.is(ownership(join(rootfs.upper, "new")), "3000000000:7 644");
});

test("a removed file is a whiteout and a replaced directory opaque", async () => {
  const rootfs = freshRootfs();
  await output("rm /etc/passwd; rm -r /home; mkdir /home", { rootfs });
  assert.ok(lstatSync(join(rootfs.upper, "etc/passwd")).isCharacterDevice());
  const opaque = ["getfattr", "--only-values", "-n", OPAQUE, join(rootfs.upper, "home")];
  assert.is(await commandOutput(opaque), "y");
});

test("the image's own directories keep their modes under the sandbox's mounts", async () => {
  const lower = freshDirectory();
  mkdirSync(join(lower, "etc"));
  chmodSync(join(lower, "etc"), 0o700);
  const rootfs = freshRootfs([busybox, lower]);
  assert.is(await output("stat -c %a /etc", { rootfs }), "700");
  assert.equal(listTree(rootfs.upper), []);
});

test("an image without mount points gets them for the step alone", async () => {
  const lower = freshDirectory();
  copyFileSync("/bin/busybox", join(lower, "sh"));
  const rootfs = freshRootfs([lower]);
  const argv = ["/sh", "-c", "ls -A / && cat /etc/hosts"];
  const ran = await run(stepSpec("", { rootfs, argv }));
  assert.is(ran.stdout, "dev\netc\nproc\nsh\nsys\n127.0.0.1 localhost\n");
  assert.equal(listTree(rootfs.upper), []);
});

test("a root without any layer runs what was copied into it", async () => {
  const rootfs = freshRootfs([]);
  copyFileSync("/bin/busybox", join(rootfs.upper, "busybox"));
  const ran = await run(stepSpec("", { rootfs, argv: ["/busybox", "echo", "from scratch"] }));
  assert.is(ran.stdout, "from scratch\n");
  assert.equal(listTree(rootfs.upper), ["busybox"]);
});

test("an upper that was written is written on by the next step", async () => {
  const rootfs = freshRootfs();
  await output("echo one > /one", { rootfs });
  assert.is(await output("cat /one; echo two > /two", { rootfs }), "one");
  assert.equal(listTree(rootfs.upper), ["one", "two"]);
});

test("200 layers are one root, the highest first", async () => {
  const lowers = Array.from({ length: 200 }, (_, i) => {
    const lower = freshDirectory();
    writeFileSync(join(lower, "top"), `${i}`);
    writeFileSync(join(lower, `layer-${i}`), "");
    return lower;
  });
  const script = "cat /top; ls / | grep -c layer-";
  assert.is(await output(script, { rootfs: freshRootfs([busybox, ...lowers]) }), "199200");
});

test("layer paths may hold any character", async () => {
  const lower = join(freshDirectory(), "a:b,c\\d=e f");
  mkdirSync(lower);
  writeFileSync(join(lower, "found"), "yes");
  assert.is(await output("cat /found", { rootfs: freshRootfs([busybox, lower]) }), "yes");
});

test("a layer on another filesystem is mapped as the others are", async () => {
  const shm = await commandOutput(["mktemp", "-d", "/dev/shm/tsbuild-XXXXXX"]);
  const lower = shm.trim();
  try {
    writeFileSync(join(lower, "mine"), "x");
    chownSync(join(lower, "mine"), 33, 33);
    chmodSync(lower, 0o755);
    assert.is(await output("stat -c %u:%g /mine", { rootfs: freshRootfs([busybox, lower]) }), "33:33");
  } finally {
    await commandOutput(["rm", "-r", lower]);
  }
});

root("layers on a filesystem without idmapped mounts give the step the caller's ids", async () => {
  const place = freshDirectory();
  const [lower = "", upper = "", work = "", merged = ""] = ["lower", "upper", "work", "merged"].map((name) =>
    join(place, name),
  );
  for (const path of [lower, upper, work, merged]) mkdirSync(path);
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await commandOutput(["mount", "-t", "overlay", "overlay", "-o", options, merged]);
  try {
    for (const name of ["u", "w"]) mkdirSync(join(merged, name));
    writeFileSync(join(merged, "file"), "x");
    chownSync(join(merged, "file"), 33, 33);
    const rootfs = freshRootfs([busybox, merged]);
    const told = await output("cat /proc/self/uid_map; stat -c %u /file; touch /new", { rootfs });
    assert.equal(told.split(/\s+/).filter(Boolean), ["0", "0", "4294967295", "33"]);
    assert.is(ownership(join(rootfs.upper, "new")), "0:0 644");
    const refused = await refusal({ rootfs: { lowers: [busybox], upper: join(merged, "u"), work: join(merged, "w") } });
    assert.is(refused.step, "overlay");
    // Before Linux 6.5 overlayfs told its reason to the kernel's log alone.
    const reason = `filesystem on ${join(merged, "u")} not supported as upperdir`;
    assert.ok([reason, undefined].includes(refused.subject), refused.subject);
    assert.match(refused.hint ?? "", /filesystem that overlayfs can write to/);
  } finally {
    await commandOutput(["umount", merged]);
  }
});

test("mount points the image has deleted are made and taken away again", async () => {
  const lower = freshDirectory();
  mkdirSync(join(lower, "etc"));
  await commandOutput(["mknod", join(lower, "etc/hosts"), "c", "0", "0"]);
  await commandOutput(["setfattr", "-n", OPAQUE, "-v", "y", join(lower, "etc")]);
  utimesSync(join(lower, "etc"), 1000, 1000);
  const rootfs = freshRootfs([busybox, lower]);
  assert.is(await output("cat /etc/hosts; ls /etc", { rootfs }), "127.0.0.1 localhost\nhosts\nresolv.conf");
  assert.equal(listTree(rootfs.upper), ["etc"]);
  assert.is(statSync(join(rootfs.upper, "etc")).mtimeMs, 1_000_000);
});

test("a bind mount shows its source with the ids on disk, read-only when asked", async () => {
  const source = freshDirectory();
  writeFileSync(join(source, "file"), "bound");
  chownSync(join(source, "file"), 1000, 1000);
  const rootfs = freshRootfs();
  const mounts = [
    { type: "bind", source, target: "/run/secret/dir", readonly: true } as const,
    { type: "bind", source, target: "/writable", readonly: false } as const,
    { type: "bind", source: join(source, "file"), target: "/etc/one", readonly: true } as const,
  ];
  const script =
    "stat -c %u /run/secret/dir/file; cat /etc/one; touch /writable/new; touch /run/secret/dir/no 2>/dev/null || echo read-only";
  assert.is(await output(script, { rootfs, mounts }), "1000\nboundread-only");
  assert.is(ownership(join(source, "new")), "0:0 644");
  assert.equal(listTree(rootfs.upper), []);
});

const links: readonly [what: string, path: string, step: string][] = [
  ["/proc", "proc", "mount point"],
  ["/sys", "sys", "mount point"],
  ["/dev", "dev", "mount point"],
];
for (const [what, path, step] of links) {
  test(`an image whose ${what} is a symbolic link is refused`, async () => {
    const outside = freshDirectory();
    const lower = freshDirectory();
    symlinkSync(outside, join(lower, path));
    const error = await refusal({ rootfs: freshRootfs([busybox, lower]) });
    assert.is(error.code, "SANDBOX_SETUP_FAILED");
    assert.is(error.step, step);
    assert.is(error.subject, path);
    assert.equal(listTree(outside), []);
  });
}

test("a symbolic link for /etc/resolv.conf is covered, not followed", async () => {
  const outside = join(freshDirectory(), "canary");
  writeFileSync(outside, "canary");
  const lower = freshDirectory();
  mkdirSync(join(lower, "etc"));
  symlinkSync(`../../../../../..${outside}`, join(lower, "etc/resolv.conf"));
  symlinkSync("../run/nowhere", join(lower, "etc/hosts"));
  const rootfs = freshRootfs([busybox, lower]);
  assert.is(await output("cat /etc/hosts /etc/resolv.conf", { rootfs }), "127.0.0.1 localhost\nnameserver 192.0.2.1");
  assert.equal(listTree(rootfs.upper), []);
  assert.is(readFileSync(outside, "utf8"), "canary");
});

test("a symbolic link for /etc is followed inside the root", async () => {
  const lower = freshDirectory();
  mkdirSync(join(lower, "other"));
  symlinkSync("/../../other", join(lower, "etc"));
  const rootfs = freshRootfs([busybox, lower]);
  assert.is(await output("cat /other/hosts", { rootfs }), "127.0.0.1 localhost");
  // The mount points were made there and are gone; the copied-up directory holds nothing.
  assert.equal(listTree(rootfs.upper), ["other"]);
});

test("renames elsewhere on the machine do not disturb the walk over a symbolic link", async () => {
  const lower = freshDirectory();
  mkdirSync(join(lower, "other"));
  symlinkSync("/../../other", join(lower, "etc"));
  const renaming = spawn("sh", ["-c", "echo > a; while mv a b && mv b a; do :; done"], { cwd: freshDirectory() });
  try {
    for (let step = 0; step < 25; step++) {
      assert.is(await output("cat /other/hosts", { rootfs: freshRootfs([busybox, lower]) }), "127.0.0.1 localhost");
    }
  } finally {
    renaming.kill("SIGKILL");
  }
});

const outward: readonly [what: string, link: string, file: string, changes: SpecChanges][] = [
  ["/etc", "etc", "hosts", {}],
  [
    "a bind target",
    "link",
    "sub/bin/busybox",
    { mounts: [{ type: "bind", source: busybox, target: "/link/sub", readonly: true }] },
  ],
];
for (const [what, link, file, changes] of outward) {
  test(`a symbolic link that leads out of the root is followed inside it for ${what}`, async () => {
    const outside = freshDirectory();
    const lower = freshDirectory();
    symlinkSync(outside, join(lower, link));
    const rootfs = freshRootfs([busybox, lower]);
    assert.is(await output(`test -s ${join(outside, file)} && echo inside`, { ...changes, rootfs }), "inside");
    assert.equal(listTree(outside), []);
    assert.not.ok(existsSync(join(rootfs.upper, outside)));
  });
}

root("a device of the image is of no use", async () => {
  const lower = freshDirectory();
  await commandOutput(["mknod", "-m", "666", join(lower, "disk"), "b", "254", "0"]);
  await commandOutput(["mknod", "-m", "666", join(lower, "memory"), "c", "1", "1"]);
  const ran = await run(
    stepSpec("head -c 1 /disk; head -c 1 /memory; mknod /new c 1 1", { rootfs: freshRootfs([busybox, lower]) }),
  );
  assert.is(ran.stdout, "");
  assert.is(ran.stderr.split("\n").filter((line) => /Permission denied|not permitted/.test(line)).length, 3);
});

async function refusal(changes: SpecChanges): Promise<SandboxError> {
  const thrown = await run(stepSpec("true", changes)).catch((error: unknown) => error);
  assert.instance(thrown, SandboxError);
  return thrown as SandboxError;
}

test.run();
