import { join } from "node:path";
import { suite as createSuite } from "uvu";
import * as assert from "uvu/assert";
import { makeTempDir } from "../helpers/temp.ts";
import { apply, describeTree, makeTree, names, pack, shell } from "./archive-fixture.ts";

const suite = createSuite("layers: what an upper changes about its lowers");

/** Everything at one whole second, unless a case says otherwise. */
const dated = (script: string) => makeTree(`${script}\nfind . -mindepth 1 -exec touch -h -d @1000 {} +`);

interface Case {
  readonly name: string;
  /** Lowest first. */
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly expected: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: "a file copied up and left alone is no change, nor are its parents",
    lowers: ["mkdir -p a/b; echo x >a/b/f"],
    upper: "mkdir -p a/b; echo x >a/b/f",
    expected: [],
  },
  {
    name: "a new file brings its unchanged parents along",
    lowers: ["mkdir -p a/b; chmod 700 a"],
    upper: "mkdir -p a/b; chmod 700 a; echo x >a/b/f",
    expected: ["a/", "a/b/", "a/b/f"],
  },
  {
    name: "an unchanged directory beside a change is left out",
    lowers: ["mkdir -p a/b a/c"],
    upper: "mkdir -p a/b a/c; touch a/c/new",
    expected: ["a/", "a/c/", "a/c/new"],
  },
  { name: "another mode", lowers: ["echo x >f"], upper: "echo x >f; chmod 600 f", expected: ["f"] },
  { name: "another owner", lowers: ["echo x >f"], upper: "echo x >f; chown 0:1 f", expected: ["f"] },
  { name: "another content of the same size", lowers: ["echo x >f"], upper: "echo y >f", expected: ["f"] },
  { name: "another size", lowers: ["echo x >f"], upper: "echo xx >f", expected: ["f"] },
  { name: "another link target", lowers: ["ln -s x l"], upper: "ln -s y l", expected: ["l"] },
  { name: "the same link", lowers: ["ln -s x l"], upper: "ln -s x l", expected: [] },
  { name: "another device", lowers: ["mknod d c 1 3"], upper: "mknod d c 1 5", expected: ["d"] },
  { name: "a new capability", lowers: ["echo x >f"], upper: "echo x >f; setcap cap_chown+ep f", expected: ["f"] },
  { name: "a lost capability", lowers: ["echo x >f; setcap cap_chown+ep f"], upper: "echo x >f", expected: ["f"] },
  { name: "a file in a link's place", lowers: ["ln -s x f"], upper: "echo x >f", expected: ["f"] },
  { name: "a directory's new mode", lowers: ["mkdir d"], upper: "mkdir d; chmod 700 d", expected: ["d/"] },
  {
    name: "the upper of two lowers counts",
    lowers: ["echo old >f", "echo new >f"],
    upper: "echo old >f",
    expected: ["f"],
  },
  {
    name: "what a lower removed is new again",
    lowers: ["echo x >f", "mknod f c 0 0"],
    upper: "echo x >f",
    expected: ["f"],
  },
  {
    name: "what lies under an opaque lower directory does not count",
    lowers: ["mkdir d; echo x >d/f", "mkdir d; setfattr -n trusted.overlay.opaque -v y d"],
    upper: "mkdir d; echo x >d/f",
    expected: ["d/", "d/f"],
  },
  {
    name: "what lies under a file of a lower does not count",
    lowers: ["mkdir d; echo x >d/f", "echo file >d"],
    upper: "mkdir d; echo x >d/f",
    expected: ["d/", "d/f"],
  },
  {
    name: "an opaque directory is written whole",
    lowers: ["mkdir d; echo x >d/f; echo y >d/g"],
    upper: "mkdir d; echo x >d/f; setfattr -n trusted.overlay.opaque -v y d",
    expected: ["d/", "d/.wh..wh..opq", "d/f"],
  },
  {
    name: "a whiteout in an unchanged directory",
    lowers: ["mkdir d; echo x >d/f"],
    upper: "mkdir d; mknod d/f c 0 0",
    expected: ["d/", "d/.wh.f"],
  },
  {
    name: "a new name of a file that was there keeps both together",
    lowers: ["echo x >f"],
    upper: "echo x >f; ln f g",
    expected: ["f", "g"],
  },
  {
    name: "a lower reached through its own symbolic link is not looked into",
    lowers: ["mkdir real; echo x >real/f; ln -s real d"],
    upper: "mkdir d; echo x >d/f",
    expected: ["d/", "d/f"],
  },
];

for (const { name, lowers, upper, expected } of CASES) {
  suite(name, async () => {
    const layer = await pack(dated(upper), { lowers: lowers.map(dated) });
    const listed = shell("/", `tar -tf '${layer.path}'`).split("\n").filter(Boolean);
    assert.equal(listed, expected);
    assert.is(layer.entries, expected.length);
  });
}

const TIMES = [
  { name: "times that the epoch clamps away are equal", lower: 5000, upper: 9000, epoch: 1000, entries: 0 },
  {
    name: "a lower that was unpacked from its clamped layer is equal to one that has the clock's times",
    lower: 1000,
    upper: 9000,
    epoch: 1000,
    entries: 0,
  },
  { name: "times below the epoch differ", lower: 100, upper: 200, epoch: 1000, entries: 1 },
  {
    name: "fractions of a second are not written, so they do not differ",
    lower: 100.25,
    upper: 100.75,
    epoch: 1000,
    entries: 0,
  },
] as const;

for (const { name, lower, upper, epoch, entries } of TIMES) {
  suite(name, async () => {
    const at = (seconds: number) => makeTree(`echo x >f; touch -d @${seconds} f`);
    assert.is((await pack(at(upper), { lowers: [at(lower)], sourceDateEpoch: epoch })).entries, entries);
  });
}

suite("the layer of a real overlay, stacked again, shows what the overlay showed", async () => {
  const work = makeTempDir("overlay");
  shell(
    work,
    `
    mkdir base top upper work merged again packed
    mkdir -p base/dir/sub base/gone base/replaced base/emptied base/kept base/deep/er
    for d in dir dir/sub gone replaced emptied kept deep/er; do echo "$d" >base/$d/file; done
    echo one >base/one; ln base/one base/two; ln -s one base/symlink; chmod 4755 base/dir/file
    echo mid >base/mid; mkdir top/dir; echo more >top/dir/more; mknod top/mid c 0 0; echo cap >top/cap; setcap cap_chown+ep top/cap
    find base top -exec touch -h -d @1000 {} +`,
  );
  const overlay = "redirect_dir=off,metacopy=off,index=off";
  inNamespace(
    work,
    `
    mount -t overlay overlay -o lowerdir=top:base,upperdir=upper,workdir=work,${overlay} merged
    cd merged
    echo changed >>dir/file; rm -r gone; rm -r replaced; mkdir replaced; echo new >replaced/other
    rm emptied/file; rm one; ln two three; mkdir -p new/dir; echo new >new/dir/file; chmod 700 kept; touch -d @1000 kept/file
    cat dir/sub/file >/dev/null; chmod 644 deep/er/file; echo back >mid; rm symlink; mkdir symlink; echo in >symlink/f
    mkfifo pipe; mv cap moved; mkdir over; mv over kept/over
    cd ..; cp -a merged/. packed/`,
  );
  const lowers = [join(work, "base"), join(work, "top")];
  const layer = await pack(join(work, "upper"), { lowers });
  const applied = await apply(layer, { lowers });
  inNamespace(
    work,
    `
    mount -t overlay overlay -o lowerdir='${applied.path}':top:base,${overlay} merged
    cp -a merged/. again/`,
  );
  const shown = (name: string) => describeTree(join(work, name)).filter((line) => !/^d /.test(line));
  assert.equal(shown("again"), shown("packed"));
  assert.equal(names(join(work, "again")), names(join(work, "packed")));
  assert.is((await pack(applied.path, { lowers })).diffId, layer.diffId);
  const listed = shell("/", `tar -tf '${layer.path}'`).split("\n");
  assert.not.ok(listed.includes("deep/er/file"), "a mode set to what it was is no change");
  assert.not.ok(listed.includes("kept/file"), "a time set to what it was is no change");
});

/** Mounts of the script end with it. */
function inNamespace(cwd: string, script: string): void {
  shell(cwd, `unshare --mount --propagation private bash -euc '${script.replaceAll("'", `'\\''`)}'`);
}

suite.run();
