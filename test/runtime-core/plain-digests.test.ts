import assert from "node:assert/strict";
import { join } from "node:path";
import { suite as newSuite } from "uvu";
import { packLayer, releaseTrees, type WritableRootfs } from "../../runtime-core/index.ts";
import { freshDirectory, freshRootfs, run, stepSpec } from "./sandbox-fixture.ts";

const suite = newSuite("plain trees: layers are what they are with mounts");

/** Each script is a step on top of the one before; the same steps are run with namespaces and with chroot. */
const CHAINS: readonly { readonly name: string; readonly steps: readonly string[] }[] = [
  { name: "nothing", steps: ["true", "mkdir /tmp/x; rmdir /tmp/x", "cat /bin/busybox > /dev/null"] },
  {
    name: "files made, changed, removed",
    steps: [
      "mkdir -p /a/b; echo 1 > /a/b/one; echo 2 > /a/two; ln -s two /a/link; echo x > /top",
      "echo more >> /a/b/one; rm /a/two; chmod 600 /top",
      "chown 12:34 /top; rm /a/link; echo again > /a/two",
    ],
  },
  {
    name: "directories removed, made again, replaced by other types",
    steps: [
      "mkdir -p /d/e/f /g/h; touch /d/x /d/e/y /d/e/f/z /g/h/i; echo f > /file",
      "rm -rf /d; mkdir /d; touch /d/new; rm -rf /g; echo now-a-file > /g",
      "rm /g; mkdir /g; rm /file; mkdir -p /file/dir; touch /file/dir/x",
      "rm -rf /d /file; ln -s /g /file",
    ],
  },
  {
    name: "directories renamed",
    steps: [
      "mkdir -p /old/sub; echo 1 > /old/one; echo 2 > /old/sub/two; mkdir /made; mkdir /tmp/n; touch /tmp/n/q",
      "mv /old /new; mv /tmp/n /made/n",
      "mkdir /tmp/fresh; touch /tmp/fresh/x; mv /tmp/fresh /made/fresh; rm -rf /made/n; mkdir /tmp/n; mv /tmp/n /made/n",
    ],
  },
  {
    name: "a directory with the inode number of the one before",
    steps: ["mkdir -p /r/s; touch /r/s/a /r/b", "rm -rf /r && mkdir /r", "rmdir /r; mkdir -p /r/s; touch /r/s/a"],
  },
  {
    name: "modes, owners and times alone",
    steps: [
      "mkdir /m; echo x > /m/f; touch -d '1971-01-01 00:00:00' /m/f; mkdir /m/d; chmod 1777 /m/d",
      "chmod 4755 /m/f",
      "chown 5:6 /m/d",
      "touch -d '1972-01-01 00:00:00' /m/f",
      "touch /m/f; chmod 700 /m",
    ],
  },
  {
    name: "hard links",
    steps: [
      "echo 1 > /one; ln /one /two; ln /one /three",
      "echo more >> /two",
      "rm /three; ln /one /four",
      "chmod 600 /one",
    ],
  },
  {
    name: "sparse files, fifos, sockets, odd names",
    steps: [
      "dd if=/dev/zero of=/sparse bs=1 count=1 seek=3000000 2>/dev/null; mkfifo /fifo; printf x > '/new\nline'; printf y > '/\\377\\376'; mkdir '/ a b '; touch '/ a b /-rf' /*star",
      "printf z | dd of=/sparse bs=1 seek=100 conv=notrunc 2>/dev/null; rm /fifo '/new\nline'",
    ],
  },
  {
    name: "whiteouts below whiteouts",
    steps: [
      "mkdir -p /w/x/y; touch /w/x/y/z",
      "rm -r /w/x",
      "mkdir -p /w/x/y; touch /w/x/other",
      "rm -rf /w",
      "mkdir /w",
    ],
  },
  {
    name: "what the sandbox puts there, written to",
    steps: [
      "echo 1 >> /etc/hosts; echo 2 > /etc/resolv.conf; echo 3 > /dev/null; touch /dev/file /dev/shm/x",
      "mkdir -p /etc/more; touch /etc/more/f; rm -rf /dev/shm/*",
    ],
  },
];

for (const { name, steps } of CHAINS) {
  suite(name, async () => {
    const trees = join(freshDirectory(), "trees");
    const [mounted, plain] = [await chain(steps, undefined), await chain(steps, trees)];
    assert.deepEqual(plain, mounted);
    releaseTrees(trees);
  });
}

/** Runs the steps on top of each other. The diffId of each one's layer. */
async function chain(steps: readonly string[], trees: string | undefined): Promise<readonly string[]> {
  let lowers = freshRootfs().lowers;
  const found: string[] = [];
  for (const script of steps) {
    const rootfs: WritableRootfs = { ...freshRootfs(lowers), ...(trees === undefined ? {} : { trees }) };
    const result = await run(stepSpec(script, { rootfs, network: "host" }));
    assert.equal(result.exitCode, 0, `${script}: ${result.stderr}`);
    found.push(await diffId(rootfs));
    lowers = [...lowers, rootfs.upper];
  }
  return found;
}

async function diffId({ lowers, upper }: WritableRootfs): Promise<string> {
  const output = join(freshDirectory(), "blob");
  const compression = { type: "none" } as const;
  const packed = await packLayer({ upper, lowers, output, compression, sourceDateEpoch: 315532800 });
  return `${packed.diffId} ${packed.entries}`;
}

suite.run();
