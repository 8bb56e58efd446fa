import { readdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild } from "../helpers/cli.ts";
import type { CommandResult } from "../helpers/command.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { storeProblems } from "../helpers/store-check.ts";
import { makeTempDir } from "../helpers/temp.ts";

const diskQuota = suite("e2e: --disk-quota");

/** Files that the kernel refuses before they take room. */
const LARGE_FILES: Readonly<Record<string, string>> = {
  fallocate: "fallocate -l 4G /big",
  truncate: "truncate -s 4G /big",
  "a file in memory": "dd if=/dev/zero of=/dev/shm/big bs=1M count=40",
  "a file in a tmpfs": "--mount=type=tmpfs,target=/m dd if=/dev/zero of=/m/big bs=1M count=40",
};
const FILLERS: Readonly<Record<string, string>> = {
  ...LARGE_FILES,
  dd: "dd if=/dev/zero of=/big bs=1M count=4000",
  yes: "yes > /big",
  "small files": "mkdir /d; i=0; while :; do i=$((i+1)); echo x > /d/$i; done",
  "removed files": "exec 3> /f 4> /g; rm /f /g; cat /dev/zero >&3 & cat /dev/zero >&4",
  "a cache": "--mount=type=cache,target=/c i=0; while :; do i=$((i+1)); dd if=/dev/zero of=/c/$i bs=1M count=1; done",
};
const SMALL = dockerfile("FROM busybox", "RUN echo small > /small");

/** Builds, as somebody, with a store and a quota. */
interface Builder {
  readonly store: string;
  build(text: string, ...flags: readonly string[]): Promise<CommandResult>;
}

function asRoot(): Builder {
  const store = makeTempDir("quota");
  return {
    store,
    build: async (text, ...flags) => {
      const context = makeContext({ Dockerfile: text });
      return await tsbuild(["build", "--store", store, ...flags, ...(await busyboxFlags()), context]);
    },
  };
}

function asOrdinaryUser(): Builder {
  const user = new OrdinaryUser();
  const store = join(user.home, "store");
  return {
    store,
    build: async (text, ...flags) => {
      const base = `busybox=oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;
      const context = user.contextOf(makeContext({ Dockerfile: text }));
      return await user.tsbuild(["build", "--store", store, "--build-context", base, ...flags, context]);
    },
  };
}

const FILE_SIZE = "file size limit of disk quota 4 MiB";
const QUOTA = "disk quota 4 MiB";

/** A file without a name is gone when its writer is: what it took is then known only if it was looked at before. */
function toldOf(filler: string): string {
  if (filler === "removed files") return `(?:${QUOTA}|${FILE_SIZE})`;
  return filler in LARGE_FILES ? FILE_SIZE : QUOTA;
}

for (const [who, make] of Object.entries({ root: asRoot, "an ordinary user": asOrdinaryUser })) {
  const builder = make();
  for (const [what, script] of Object.entries(FILLERS)) {
    diskQuota(`as ${who}, a disk filled by ${what} is the step's failure`, async () => {
      const free = statfsSync(builder.store.replace(/\/store$/, "")).bavail;
      const { code, stderr } = await builder.build(dockerfile("FROM busybox", `RUN ${script}`), "--disk-quota", "4m");
      assert.is.not(code, 0);
      const told = toldOf(what);
      assert.match(stderr, new RegExp(`^error: .*\\(${told}\\)  \\[RUN_LIMIT_HIT\\]$`, "m"));
      assert.match(stderr, /^hint: (?:.*: )?raise it with --disk-quota$/m);
      assert.match(stderr, /┌─ Dockerfile:2:1$/m);
      assert.equal(storeProblems(builder.store), []);
      assert.equal(readdirSync(join(builder.store, "tmp")), []);
      assert.ok(statfsSync(builder.store).bavail > free / 2);
    });
  }

  diskQuota(`as ${who}, the next build works`, async () => {
    const { code, stderr } = await builder.build(SMALL, "--disk-quota", "4m");
    assert.is(code, 0, stderr);
  });

  diskQuota(`as ${who}, a step within its quota is the same step, from the cache too`, async () => {
    const text = dockerfile("FROM busybox", "RUN head -c 3000000 /dev/urandom > /random");
    const first = await builder.build(text, "--quiet", "--disk-quota", "4m");
    assert.is(first.code, 0, first.stderr);
    for (const flags of [[], ["--disk-quota", "1m"]]) {
      assert.is((await builder.build(text, "--quiet", ...flags)).stdout, first.stdout);
    }
  });
}

for (const value of ["-1", "much"]) {
  diskQuota(`a quota of ${value} is refused before anything runs`, async () => {
    const { code, stderr } = await asRoot().build(SMALL, `--disk-quota=${value}`);
    assert.is.not(code, 0);
    assert.match(stderr, /disk-quota|diskQuotaBytes/);
  });
}

diskQuota.run();
