import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { lookupOwner, lookupUser, type RootfsMount, type RuntimeError } from "../../runtime-core/index.ts";
import { link, type Planted, plant, writable } from "./tree-fixture.ts";

const suite = createSuite("tree: users");

const OPAQUE = "trusted.overlay.opaque";
const PASSWD = [
  "root:x:0:0:root:/root:/bin/sh",
  "# a comment",
  "app:x:1000:1001:App:/home/app:/bin/sh",
  "broken:x:many:1:::",
  "bare:x:7:8",
].join("\n");
const GROUP = ["root:x:0:", "app:x:1001:", "wheel:x:10:root,app", "docker:x:999:app", "again:x:999:app"].join("\n");

function accounts(
  files: Readonly<Record<string, Planted>> = { "etc/passwd": PASSWD, "etc/group": GROUP },
): RootfsMount {
  return { lowers: [plant(files)] };
}

const code = (error: RuntimeError) => error.code;

const users: Readonly<Record<string, object | string>> = {
  "": { uid: 0, gid: 0, additionalGids: [10], home: "/root" },
  root: { uid: 0, gid: 0, additionalGids: [10], home: "/root" },
  app: { uid: 1000, gid: 1001, additionalGids: [10, 999], home: "/home/app" },
  "1000": { uid: 1000, gid: 1001, additionalGids: [10, 999], home: "/home/app" },
  bare: { uid: 7, gid: 8, additionalGids: [] },
  "4242": { uid: 4242, gid: 0, additionalGids: [] },
  "app:wheel": { uid: 1000, gid: 10, additionalGids: [], home: "/home/app" },
  "app:55": { uid: 1000, gid: 55, additionalGids: [], home: "/home/app" },
  "55:66": { uid: 55, gid: 66, additionalGids: [] },
  nobody: "USER_NOT_FOUND",
  broken: "USER_NOT_FOUND",
  "app:none": "GROUP_NOT_FOUND",
  "4294967296": "USER_NOT_FOUND",
  "-1": "USER_NOT_FOUND",
};

for (const [spec, expected] of Object.entries(users)) {
  suite(`USER "${spec}"`, async () => {
    assert.equal(await lookupUser(accounts(), spec).catch(code), expected);
  });
}

const owners: Readonly<Record<string, object | string>> = {
  "55": { uid: 55, gid: 55 },
  app: { uid: 1000, gid: 1001 },
  "app:wheel": { uid: 1000, gid: 10 },
  "1:2": { uid: 1, gid: 2 },
  "5:app": { uid: 5, gid: 1001 },
  nobody: "USER_NOT_FOUND",
  "app:none": "GROUP_NOT_FOUND",
};

for (const [spec, expected] of Object.entries(owners)) {
  suite(`--chown=${spec}`, async () => {
    assert.equal(await lookupOwner(accounts(), spec).catch(code), expected);
  });
}

suite("a root without passwd knows numbers only", async () => {
  const rootfs = { lowers: [] };
  assert.equal(await lookupUser(rootfs, ""), { uid: 0, gid: 0, additionalGids: [] });
  assert.equal(await lookupUser(rootfs, "12"), { uid: 12, gid: 0, additionalGids: [] });
  const error = await lookupUser(rootfs, "app").catch((e: RuntimeError) => e);
  assert.match("message" in error ? error.message : "", "app: /etc/passwd of this stage is missing or empty");
});

suite("the topmost layer's passwd counts", async () => {
  const rootfs = { lowers: [...accounts().lowers, plant({ "etc/passwd": "app:x:5:6::/:" })] };
  assert.equal(await lookupOwner(rootfs, "app"), { uid: 5, gid: 6 });
});

/** Layers over one whose app is 1:2, and whose app that makes; lowest first. Marks are those of overlayfs.rst. */
const below = { "etc/passwd": "app:x:1:2::/:", "etc/group": "", "lib/passwd": "app:x:3:4::/:" };
const stacks: Readonly<Record<string, [layers: Readonly<Record<string, Planted>>[], expected: object | string]>> = {
  "a layer without /etc": [[{ "usr/file": "" }], { uid: 1, gid: 2 }],
  "an /etc without passwd": [[{ "etc/other": "" }], { uid: 1, gid: 2 }],
  "a passwd of its own": [[{ "etc/passwd": "app:x:5:6::/:" }], { uid: 5, gid: 6 }],
  "a passwd under a layer without": [[{ "etc/passwd": "app:x:5:6::/:" }, { "etc/other": "" }], { uid: 5, gid: 6 }],
  "a whiteout of passwd": [[{ "etc/passwd": { type: "whiteout" } }], "USER_NOT_FOUND"],
  "a whiteout of /etc": [[{ etc: { type: "whiteout" } }], "USER_NOT_FOUND"],
  "a whiteout of /etc, and a new one": [[{ etc: { type: "whiteout" } }, { "etc/other": "" }], "USER_NOT_FOUND"],
  "an opaque /etc": [[{ etc: { type: "dir", xattrs: { [OPAQUE]: "y" } } }], "USER_NOT_FOUND"],
  "an opaque /etc with passwd": [
    [{ etc: { type: "dir", xattrs: { [OPAQUE]: "y" } }, "etc/passwd": "app:x:5:6::/:" }],
    { uid: 5, gid: 6 },
  ],
  "an opaque /etc below a plain one": [
    [{ etc: { type: "dir", xattrs: { [OPAQUE]: "y" } } }, { "etc/other": "" }],
    "USER_NOT_FOUND",
  ],
  "passwd as a symbolic link": [[{ "etc/passwd": link("../lib/passwd") }], { uid: 3, gid: 4 }],
  "/etc as a symbolic link": [[{ etc: link("lib") }], { uid: 3, gid: 4 }],
  "/etc as a file": [[{ etc: "no directory" }], "USER_NOT_FOUND"],
};

for (const [name, [layers, expected]] of Object.entries(stacks)) {
  suite(`over a layer with passwd: ${name}`, async () => {
    const lowers = [below, ...layers].map(plant);
    assert.equal(await lookupOwner({ lowers }, "app").catch(code), expected);
  });
}

suite("--chown: root and an empty part are 0 without a passwd, an id is not looked up", async () => {
  const nothing = { lowers: [plant({})] };
  for (const spec of ["root", "root:root", "", ":", ":root", "0:0"]) {
    assert.equal(await lookupOwner(nothing, spec), { uid: 0, gid: 0 }, spec);
  }
  assert.equal(await lookupOwner(nothing, "7"), { uid: 7, gid: 7 });
  const named = accounts({
    "etc/passwd": "root:x:5:6::/:\n7:x:8:9::/:",
    "etc/group": "7:x:9:\nroot:x:3:\nwheel:x:10:",
  });
  assert.equal(await lookupOwner(named, "root"), { uid: 0, gid: 0 });
  assert.equal(await lookupOwner(named, "7:7"), { uid: 7, gid: 7 });
  assert.equal(await lookupOwner(named, ":wheel"), { uid: 0, gid: 10 });
  assert.equal(await lookupOwner(accounts(), "app:"), { uid: 1000, gid: 0 });
});

suite("the writable layer counts as the topmost", async () => {
  const rootfs = writable(...accounts().lowers);
  assert.equal(await lookupOwner(rootfs, "app"), { uid: 1000, gid: 1001 });
  mkdirSync(join(rootfs.upper, "etc"));
  writeFileSync(join(rootfs.upper, "etc/passwd"), "app:x:5:6::/:");
  assert.equal(await lookupOwner(rootfs, "app"), { uid: 5, gid: 6 });
});

suite("a symlinked passwd is read inside the root", async () => {
  const rootfs = accounts({ "etc/passwd": { type: "link", text: "/usr/lib/passwd" }, "usr/lib/passwd": PASSWD });
  assert.equal(await lookupOwner(rootfs, "app"), { uid: 1000, gid: 1001 });
  const outside = accounts({ "etc/passwd": { type: "link", text: "../../../../../../etc/passwd" } });
  assert.is(await lookupOwner(outside, "root").catch(code), "IO");
});

suite("a passwd that is a FIFO, a device or a directory is refused at once", async () => {
  for (const type of ["fifo", "char", "dir"] as const) {
    assert.is(await lookupUser(accounts({ "etc/passwd": { type } }), "app").catch(code), "NOT_A_FILE", type);
  }
});

suite("a passwd of more than 10 MiB is refused", async () => {
  const rootfs = accounts({ "etc/passwd": "#".repeat(10 * 2 ** 20 + 1) });
  assert.is(await lookupUser(rootfs, "app").catch(code), "TOO_LARGE");
});

suite.run();
