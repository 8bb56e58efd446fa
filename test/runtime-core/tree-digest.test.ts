import { chmodSync, chownSync, linkSync, renameSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { digestSelection, type RuntimeError, type TreeSource } from "../../runtime-core/index.ts";
import { context, type Planted, plant, select, setXattr, stage } from "./tree-fixture.ts";

const suite = createSuite("tree: content digests");

const TREE: Readonly<Record<string, Planted>> = {
  "d/a": "one",
  "d/b": "two",
  "d/sub/c": "three",
  "d/l": { type: "link", text: "a" },
  "d/p": { type: "fifo" },
};

async function digest(source: TreeSource, ...paths: readonly string[]): Promise<string> {
  return (await digestSelection(select(source, ...paths))).digest;
}

function at(source: TreeSource, path: string): string {
  return join(source.rootfs.lowers[0] ?? "", path);
}

suite("equal trees have equal digests, whatever their times and the order on disk", async () => {
  const one = stage(TREE);
  const other = stage(Object.fromEntries(Object.entries(TREE).reverse()));
  utimesSync(at(other, "d/a"), 1, 1);
  assert.is(await digest(one, "/d"), await digest(other, "/d"));
});

const changes: Readonly<Record<string, (source: TreeSource) => void>> = {
  content: (source) => writeFileSync(at(source, "d/a"), "eno"),
  size: (source) => writeFileSync(at(source, "d/a"), "one more"),
  name: (source) => renameSync(at(source, "d/a"), at(source, "d/aa")),
  mode: (source) => chmodSync(at(source, "d/a"), 0o755),
  "mode of a directory": (source) => chmodSync(at(source, "d/sub"), 0o700),
  uid: (source) => chownSync(at(source, "d/a"), 1, 0),
  gid: (source) => chownSync(at(source, "d/a"), 0, 1),
  capability: (source) => setXattr(at(source, "d/a"), "security.capability", `0x0100000200040000${"0".repeat(24)}`),
  "a file that is gone": (source) => unlinkSync(at(source, "d/b")),
  "a file that is new": (source) => writeFileSync(at(source, "d/new"), ""),
  "a file that became a hard link": (source) => {
    unlinkSync(at(source, "d/b"));
    linkSync(at(source, "d/a"), at(source, "d/b"));
  },
};

for (const [name, change] of Object.entries(changes)) {
  suite(`a change shows: ${name}`, async () => {
    const source = stage(TREE);
    const before = await digest(source, "/d");
    change(source);
    assert.is.not(await digest(source, "/d"), before);
  });
}

suite("two links to one file differ from two equal files; a link to the outside does not count", async () => {
  const files = stage({ "d/a": "same", "d/b": "same" });
  const links = stage({ "d/a": "same", "d/b": { type: "hardlink", text: "d/a" } });
  const outside = stage({ "d/a": "same", "d/b": "same", other: { type: "hardlink", text: "d/a" } });
  assert.is.not(await digest(files, "/d"), await digest(links, "/d"));
  assert.is(await digest(files, "/d"), await digest(outside, "/d"));
});

suite("the link target counts, and what type a thing is", async () => {
  const digests = await Promise.all(
    (["link", "file", "dir", "fifo"] as const).map((type) => digest(stage({ "d/x": { type, text: "t" } }), "/d")),
  );
  const other = await digest(stage({ "d/x": { type: "link", text: "u" } }), "/d");
  assert.is(new Set([...digests, other]).size, 5);
});

suite("owners in a local context do not count, modes do", async () => {
  const source = context(TREE);
  const before = await digest(source, "/d");
  chownSync(at(source, "d/a"), 1000, 1000);
  assert.is(await digest(source, "/d"), before);
  chmodSync(at(source, "d/a"), 0o600);
  assert.is.not(await digest(source, "/d"), before);
});

suite("the mode of the directory whose contents are taken does not count: it is not copied", async () => {
  const source = stage(TREE);
  const before = await digest(source, "/d");
  chmodSync(at(source, "d"), 0o700);
  assert.is(await digest(source, "/d"), before);
});

suite("what is ignored does not count", async () => {
  const ignore = [{ negated: false, kind: "exact", text: "d/secret" }] as const;
  const without = { ...context(TREE), ignore };
  const withSecret = { ...context({ ...TREE, "d/secret/key": "k" }), ignore };
  assert.is(await digest(without, "/d"), await digest(withSecret, "/d"));
});

suite("the same files stacked in layers have the same digest as in one directory", async () => {
  const flat = stage({ "d/a": "1", "d/b": "2", "d/sub/c": "3" });
  const stacked = {
    rootfs: {
      lowers: [
        plant({ "d/a": "old", "d/gone": "x", "d/sub/c": "3" }),
        plant({ "d/a": "1", "d/gone": { type: "whiteout" } }),
        plant({ "d/b": "2" }),
      ],
    },
  };
  assert.is(await digest(stacked, "/d"), await digest(flat, "/d"));
});

suite("counts entries and bytes", async () => {
  const { entries, bytes } = await digestSelection(select(stage(TREE), "/d"));
  assert.equal({ entries, bytes }, { entries: 7, bytes: 11 });
});

suite("20,000 files are digested the same each time", async () => {
  const files: Record<string, string> = {};
  for (let index = 0; index < 20_000; index++) files[`dir${index % 200}/file${index}`] = `content ${index}`;
  const source = { rootfs: { lowers: [plant(files)] } };
  const first = await digestSelection(select(source, "/"));
  assert.is(first.entries, 20_201);
  assert.is((await digestSelection(select(source, "/"))).digest, first.digest);
});

suite("an empty root has nothing", async () => {
  const source = { rootfs: { lowers: [] } };
  const error = await digest(source, "/a").catch((e: RuntimeError) => e.code);
  assert.is(error, "NOT_FOUND");
});

suite.run();
