import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { digestSelection, openStatIndex, saveStatIndex, type TreeSource } from "../../runtime-core/index.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { context, type Planted, plant, select, setXattr } from "./tree-fixture.ts";

const suite = createSuite("tree: the stat index");

/** Longer than what has just changed is mistrusted. */
const SETTLED_MS = 200;
const LARGE = "x".repeat(300_000);
const READ_ALL_BYTES = 900_000;
const READ_NONE_BYTES = 100_000;

const TREE: Readonly<Record<string, Planted>> = {
  "d/a": LARGE,
  "d/b": `${LARGE}b`,
  "d/c": `${LARGE}c`,
  "d/sub/twin": { type: "hardlink", text: "d/c" },
  "d/l": { type: "link", text: "a" },
  "d/dangling": { type: "link", text: "nowhere" },
  "d/p": { type: "fifo" },
  "d/empty": "",
  'd/odd "name"\n\u00e9 *?[': "odd",
};

/** A context that has not changed for a while, and where its index is to be. */
async function settled(things = TREE): Promise<{ source: TreeSource; root: string; index: string }> {
  const source = context(things);
  const root = source.rootfs.lowers[0] ?? "";
  // A name that is not UTF-8: node cannot write it from a string.
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x64, 0xff, 0xfe])]), "bytes");
  await sleep(SETTLED_MS);
  return { source, root, index: join(makeTempDir("index"), "index") };
}

/** As a build does it: opened, used, saved. */
async function digestWith(index: string, source: TreeSource, path = "/"): Promise<string> {
  const opened = openStatIndex(index);
  const { digest } = await digestSelection(select(source, path), { index: opened });
  await saveStatIndex(opened, `${index}.tmp`);
  return digest;
}

async function digestWithout(source: TreeSource, path = "/"): Promise<string> {
  return (await digestSelection(select(source, path))).digest;
}

/** Bytes that this process read while `work` was done: proc(5), /proc/pid/io. */
async function bytesRead(work: () => Promise<unknown>): Promise<number> {
  const read = () => Number(/^rchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  const before = read();
  await work();
  return read() - before;
}

suite("what did not change is not read again, by this build or the next", async () => {
  const { source, index } = await settled();
  const plain = await digestWithout(source);
  const opened = openStatIndex(index);
  const digest = async () => assert.is((await digestSelection(select(source, "/"), { index: opened })).digest, plain);
  assert.ok((await bytesRead(digest)) > READ_ALL_BYTES);
  assert.ok((await bytesRead(digest)) < READ_NONE_BYTES, "the same index");
  assert.is(await saveStatIndex(opened, `${index}.tmp`), true);
  assert.is(statSync(index).mode & 0o7777, 0o600);
  assert.not(existsSync(`${index}.tmp`));
  const next = async () => assert.is(await digestWith(index, source), plain);
  assert.ok((await bytesRead(next)) < READ_NONE_BYTES, "an index of another build");
});

suite("an index that learnt nothing is not written", async () => {
  const { source, index } = await settled();
  await digestWith(index, source);
  const opened = openStatIndex(index);
  await digestSelection(select(source, "/"), { index: opened });
  assert.is(await saveStatIndex(opened, `${index}.tmp`), false);
  assert.is(await saveStatIndex(openStatIndex(`${index}-unused`), `${index}.tmp`), false);
  assert.not(existsSync(`${index}-unused`));
});

const TIME = new Date("2020-02-02T02:02:02.020Z");

/** Each leaves another tree than it found, and is made to look as if it had not. */
const changes: Readonly<Record<string, (at: (path: string) => string) => void>> = {
  "an edit of the same size with the mtime put back": (at) => {
    const { atime, mtime } = statSync(at("d/a"));
    writeFileSync(at("d/a"), LARGE.replaceAll("x", "y"), { flag: "r+" });
    utimesSync(at("d/a"), atime, mtime);
  },
  "one byte through a second hard link": (at) => writeFileSync(at("d/sub/twin"), "y", { flag: "r+" }),
  "a file replaced by one of the same size and time": (at) => {
    const { atime, mtime } = statSync(at("d/a"));
    writeFileSync(at("new"), LARGE.replaceAll("x", "z"));
    utimesSync(at("new"), atime, mtime);
    renameSync(at("new"), at("d/a"));
  },
  "two files that changed places": (at) => {
    renameSync(at("d/a"), at("tmp"));
    renameSync(at("d/b"), at("d/a"));
    renameSync(at("tmp"), at("d/b"));
  },
  "a file that became longer and short again": (at) => {
    truncateSync(at("d/b"), 10);
    truncateSync(at("d/b"), LARGE.length + 1);
  },
  "a file in place of a symlink to it": (at) => {
    unlinkSync(at("d/l"));
    writeFileSync(at("d/l"), LARGE);
  },
  "a symlink in place of a file": (at) => {
    unlinkSync(at("d/a"));
    symlinkSync("b", at("d/a"));
  },
  "another hard link": (at) => linkSync(at("d/a"), at("d/sub/again")),
  "a hard link that became a copy": (at) => {
    copyFileSync(at("d/c"), at("copy"));
    renameSync(at("copy"), at("d/sub/twin"));
  },
  "a mode": (at) => chmodSync(at("d/a"), 0o755),
  "a capability": (at) => setXattr(at("d/a"), "security.capability", `0x0100000200040000${"0".repeat(24)}`),
  "an odd name's content": (at) => writeFileSync(at('d/odd "name"\n\u00e9 *?['), "ODD"),
  "a new file": (at) => writeFileSync(at("d/new"), "new"),
  "a file that is gone": (at) => unlinkSync(at("d/empty")),
  "a directory that went elsewhere": (at) => renameSync(at("d/sub"), at("d/sub2")),
};

for (const [name, change] of Object.entries(changes)) {
  suite(`a change shows, and as without an index: ${name}`, async () => {
    const { source, root, index } = await settled();
    const before = await digestWith(index, source);
    change((path) => join(root, path));
    const plain = await digestWithout(source);
    assert.is.not(plain, before);
    assert.is(await digestWith(index, source), plain, "at once");
    await sleep(SETTLED_MS);
    assert.is(await digestWith(index, source), plain, "when it has settled");
    assert.is(await digestWith(index, source), plain, "from the index");
  });
}

suite("what does not count still does not: times, owners, user attributes", async () => {
  const { source, root, index } = await settled();
  const before = await digestWith(index, source);
  utimesSync(join(root, "d/a"), TIME, TIME);
  setXattr(join(root, "d/b"), "user.comment", "mine");
  assert.is(await digestWith(index, source), before);
});

suite("a file that has just changed is not taken from the index, so that an edit in the same tick shows", async () => {
  const { source, root, index } = await settled({ f: "0".repeat(300_000) });
  const twice = async () => {
    writeFileSync(join(root, "f"), "9".repeat(300_000), { flag: "r+" });
    for (const _ of [1, 2]) await digestWith(index, source);
  };
  assert.ok((await bytesRead(twice)) >= 600_000);
  for (let round = 0; round < 45; round++) {
    writeFileSync(join(root, "f"), String(round % 10).repeat(300_000), { flag: "r+" });
    if (round % 3 === 0) await sleep(3 * round);
    const digest = await digestWith(index, source);
    writeFileSync(join(root, "f"), String((round + 1) % 10).repeat(300_000), { flag: "r+" });
    const plain = await digestWithout(source);
    assert.is.not(digest, plain);
    assert.is(await digestWith(index, source), plain, `round ${round}`);
  }
});

suite("a file whose time is to come is read each time", async () => {
  const { source, root, index } = await settled({ f: LARGE.repeat(3) });
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(join(root, "f"), later, later);
  await sleep(SETTLED_MS);
  await digestWith(index, source);
  assert.ok((await bytesRead(() => digestWith(index, source))) > READ_ALL_BYTES);
});

suite("files with capabilities are read each time, and keep them in the digest", async () => {
  const { source, root, index } = await settled({ f: LARGE.repeat(3) });
  setXattr(join(root, "f"), "security.capability", `0x0100000200040000${"0".repeat(24)}`);
  await sleep(SETTLED_MS);
  const plain = await digestWithout(source);
  for (const _ of [1, 2, 3]) assert.is(await digestWith(index, source), plain);
});

const TMPFS = 0x01021994;

suite("on tmpfs, where a write through a mapping leaves no trace, files are read each time", async () => {
  assert.is(statfsSync("/dev/shm").type, TMPFS);
  const root = join("/dev/shm", `tsbuild-stat-index-${process.pid}`);
  mkdirSync(root);
  try {
    const source = { rootfs: { lowers: [root] }, isContext: true };
    const index = join(makeTempDir("index"), "index");
    writeFileSync(join(root, "f"), "a".repeat(4096));
    await sleep(SETTLED_MS);
    const before = await digestWith(index, source);
    const script = "import mmap,sys; f=open(sys.argv[1],'r+b'); m=mmap.mmap(f.fileno(),0); m[0]=98";
    execFileSync("python3", ["-c", script, join(root, "f")]);
    assert.is.not(await digestWith(index, source), before);
  } finally {
    rmSync(root, { recursive: true });
  }
});

suite("a stage is not a context: its files are read each time", async () => {
  const { root, index } = await settled();
  const source = { rootfs: { lowers: [root] } };
  await digestWith(index, source);
  assert.not(existsSync(index));
});

const damages: Readonly<Record<string, (index: string) => void>> = {
  "cut off": (index) => truncateSync(index, statSync(index).size - 1),
  "cut off by a record": (index) => truncateSync(index, statSync(index).size - 88),
  "with more behind it": (index) => writeFileSync(index, "more", { flag: "a" }),
  empty: (index) => truncateSync(index, 0),
  "shorter than its checksum": (index) => truncateSync(index, 20),
  "of another format": (index) => writeFileSync(index, "tsbuild stat index 2\n", { flag: "r+" }),
  "with a byte changed": (index) => {
    const bytes = readFileSync(index);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(index, bytes);
  },
  "that others may write": (index) => chmodSync(index, 0o666),
  "that is a symlink": (index) => {
    renameSync(index, `${index}-elsewhere`);
    symlinkSync(`${index}-elsewhere`, index);
  },
  "that is a FIFO": (index) => {
    rmSync(index);
    execFileSync("mkfifo", [index]);
  },
  "larger than any": (index) => truncateSync(index, 2 ** 40),
};

for (const [name, damage] of Object.entries(damages)) {
  suite(`an index ${name} counts as missing, and is written anew`, async () => {
    const { source, index } = await settled();
    const plain = await digestWith(index, source);
    damage(index);
    const again = async () => assert.is(await digestWith(index, source), plain);
    assert.ok((await bytesRead(again)) > READ_ALL_BYTES);
    assert.ok((await bytesRead(again)) < READ_NONE_BYTES);
    assert.is(statSync(index).mode & 0o7777, 0o600);
  });
}

suite("an index that cannot be written says so and leaves nothing", async () => {
  const { source, index } = await settled();
  mkdirSync(join(index, "full"), { recursive: true });
  const failure = await digestWith(index, source).catch((error: { code: string }) => error.code);
  assert.is(failure, "IO");
  assert.not(existsSync(`${index}.tmp`));
});

suite("several may write at once: one of them is whole", async () => {
  const { source, index } = await settled();
  const plain = await digestWithout(source);
  const write = async (count: number) => {
    const opened = openStatIndex(index);
    await digestSelection(select(source, "/"), { index: opened });
    await saveStatIndex(opened, `${index}.${count}`);
  };
  await Promise.all(Array.from({ length: 8 }, (_, count) => write(count)));
  const next = async () => assert.is(await digestWith(index, source), plain);
  assert.ok((await bytesRead(next)) < READ_NONE_BYTES);
});

suite("one index may be of two directories: what it knows is of files, not of paths", async () => {
  const [one, other] = [await settled(), await settled({ ...TREE, "d/a": LARGE.replaceAll("x", "y") })];
  for (const _ of [1, 2]) {
    for (const { source } of [one, other]) assert.is(await digestWith(one.index, source), await digestWithout(source));
  }
});

suite("a part of the context that this build does not copy stays known", async () => {
  const { source, root, index } = await settled({ ...TREE, "other/f": "small" });
  await digestWith(index, source);
  writeFileSync(join(root, "other/f"), "SMALL");
  await sleep(SETTLED_MS);
  await digestWith(index, source, "/other");
  assert.ok((await bytesRead(() => digestWith(index, source, "/d"))) < READ_NONE_BYTES);
});

suite("ignored files are not in the digest, known or not", async () => {
  const { root, index } = await settled();
  const everything = { rootfs: { lowers: [root] }, isContext: true };
  await digestWith(index, everything);
  const ignoring = { ...everything, ignore: [{ negated: false, kind: "exact", text: "d/a" }] } as const;
  assert.is(await digestWith(index, ignoring), await digestWithout(ignoring));
  const planted = plant({ f: "1" });
  assert.is.not(
    await digestWith(index, { rootfs: { lowers: [planted] }, isContext: true }),
    await digestWithout(ignoring),
  );
});

suite.run();
