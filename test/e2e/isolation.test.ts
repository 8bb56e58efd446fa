import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { tsbuild, tsbuildOk } from "../helpers/cli.ts";
import { commandOutput } from "../helpers/command.ts";
import { Container } from "../helpers/container.ts";
import { busyboxFlags, dockerfile, makeContext } from "../helpers/context.ts";
import { makeTempDir } from "../helpers/temp.ts";

const test = suite("isolation where nesting is forbidden");

const flags = await busyboxFlags();

/** Each is built in a container by chroot, and with namespaces outside: the image is the same. */
const SAME: readonly {
  readonly name: string;
  readonly lines: readonly string[];
  readonly flags?: readonly string[];
}[] = [
  {
    name: "files made, replaced and removed over several steps",
    lines: [
      "FROM busybox",
      "RUN mkdir -p /a/b /gone; echo 1 > /a/b/f; echo 2 > /gone/f; ln /a/b/f /a/link; ln -s b /a/soft",
      "RUN rm -rf /gone /a/soft; echo more >> /a/b/f; chmod 700 /a",
      "RUN rm -rf /a/b && mkdir /a/b; mkdir /gone; chown 7:8 /gone",
    ],
  },
  {
    name: "COPY, ADD of an archive, WORKDIR, USER and COPY --from",
    lines: [
      "FROM busybox AS one",
      "WORKDIR /srv/deep",
      "COPY --chown=12:34 files ./files/",
      "ADD packed.tar /unpacked/",
      "RUN rm files/b; ln files/a files/c; cat /unpacked/inner",
      "FROM busybox",
      "COPY --from=one /srv /from",
      "COPY --from=one /unpacked/* /srv/deep/files/a /",
      "RUN echo nobody:x:99:99::/: >> /etc/passwd",
      "USER nobody",
      "RUN test $(id -u) = 99; echo mine > /tmp/f",
    ],
  },
  {
    name: "mounts of every kind",
    lines: [
      "FROM busybox AS tools",
      "RUN echo tool > /tool; mkdir /d; echo in > /d/f",
      "FROM busybox",
      "RUN --mount=type=cache,target=/root/.cache --mount=type=tmpfs,target=/scratch echo x > /root/.cache/x; echo y > /scratch/y",
      "RUN --mount=type=cache,target=/root/.cache cat /root/.cache/x > /cached",
      "RUN --mount=type=bind,from=tools,target=/t --mount=type=bind,from=tools,source=/d,target=/d2,rw cat /t/tool /d2/f > /bound; rm /d2/f",
      "RUN --mount=type=secret,id=s --mount=type=secret,id=s,target=/etc/made/s,mode=0440,uid=3 sha256sum /run/secrets/s > /sum; stat -c %a:%u /etc/made/s >> /sum",
      "RUN --mount=type=bind,target=/src cat /src/files/a > /from-context",
      "RUN <<EOF\necho heredoc > /h\nEOF",
    ],
    flags: ["--secret", "id=s,src=SECRET"],
  },
  {
    name: "a stage of which two others are made",
    lines: [
      "FROM busybox AS base",
      "RUN echo base > /base",
      "FROM base AS left",
      "RUN echo left > /side; rm /base",
      "FROM base AS right",
      "RUN echo right > /side",
      "FROM base",
      "COPY --from=left /side /l",
      "COPY --from=right /side /r",
      "RUN cat /l /r /base",
    ],
  },
];

for (const { name, lines, flags: more = [] } of SAME) {
  test(`${name}: by chroot in a container as with namespaces outside`, async () => {
    const context = await contextOf(lines);
    const container = new Container({ writable: [context] });
    const own = more.map((flag) => flag.replace("SECRET", join(context, "secret")));
    const args = ["build", "-q", ...flags, ...own];
    const outside = await tsbuildOk([...args, "--network", "host", "--store", join(context, "store"), context]);
    const inside = await container.tsbuild([
      ...args,
      ...["--isolation", "chroot", "--store", join(container.home, "store"), context],
    ]);
    assert.is(inside.code, 0, inside.stderr);
    assert.is(inside.stdout, outside.stdout);
    assert.equal(readdirSync(join(container.home, "store/tmp")), []);
  });
}

test("on a disk that is an overlay itself, as a container's own root is", async () => {
  const context = await contextOf(SAME[0]?.lines ?? []);
  const container = new Container({ writable: [context] });
  for (const name of ["lower", "upper", "work"]) mkdirSync(join(container.home, name));
  const store = join(container.home, "store");
  mkdirSync(store);
  const overlay = `lowerdir=${container.home}/lower,upperdir=${container.home}/upper,workdir=${container.home}/work`;
  await commandOutput(["mount", "-t", "overlay", "overlay", "-o", overlay, store]);
  try {
    const args = ["build", "-q", ...flags];
    const inside = await container.tsbuild([...args, "--isolation", "chroot", "--store", store, context]);
    assert.is(inside.code, 0, inside.stderr);
    const outside = await tsbuildOk([...args, "--network", "host", "--store", join(context, "store"), context]);
    assert.is(inside.stdout, outside.stdout);
    const again = await container.tsbuild([...args, "--isolation", "chroot", "--store", store, context]);
    assert.is(again.stdout, outside.stdout);
  } finally {
    await commandOutput(["umount", store]);
  }
});

test("a store that overlayfs cannot write to is refused before the first step, with what to do", async () => {
  const context = await contextOf(["FROM busybox", "RUN true"]);
  const place = makeTempDir("overlay");
  for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(join(place, name));
  const options = `lowerdir=${place}/lower,upperdir=${place}/upper,workdir=${place}/work`;
  await commandOutput(["mount", "-t", "overlay", "overlay", "-o", options, join(place, "merged")]);
  try {
    const store = join(place, "merged/store");
    const { code, stderr } = await tsbuild(["build", ...flags, "--store", store, context]);
    assert.is(code, 1);
    assert.match(
      stderr,
      `error: the store ${store} lies on overlay, where overlayfs cannot write for a step  [STORE_UNSUPPORTED]`,
    );
    // Before Linux 6.5 overlayfs told its reason to the kernel's log alone.
    assert.match(stderr, /^cause: overlay: (filesystem on \/\S+\/upper not supported as upperdir: )?invalid argument/m);
    assert.match(stderr, /^hint: name one on ext4, xfs, btrfs or tmpfs with --store .*; or use --isolation chroot/m);
    assert.not.match(stderr, "pulling");
    const run = await tsbuild(["run", "--store", store, `oci-layout://${await baseImage("busybox")}:latest`, "true"]);
    assert.is(run.code, 125);
    assert.match(run.stderr, "[STORE_UNSUPPORTED]");
  } finally {
    await commandOutput(["umount", join(place, "merged")]);
  }
});

test("without namespaces to be had, a build says so before any work, and what to do", async () => {
  const context = await contextOf(["FROM busybox", "RUN true"]);
  const container = new Container({ writable: [context] });
  const store = join(container.home, "store");
  const { code, stderr } = await container.tsbuild(["build", ...flags, "--store", store, context]);
  assert.is(code, 1);
  assert.match(stderr, "this machine allows no sandbox: a mount namespace is refused: EPERM");
  assert.match(stderr, "[SANDBOX_UNAVAILABLE]");
  assert.match(stderr, "--cap-add SYS_ADMIN --cap-add SYS_TIME --security-opt seccomp=unconfined");
  assert.match(stderr, "--isolation chroot, which isolates less");
  assert.not(existsSync(store));
});

test("with mounts but a masked /proc too", async () => {
  const context = await contextOf(["FROM busybox", "RUN true"]);
  const container = new Container({ writable: [context], add: ["SYS_ADMIN", "SYS_TIME"], isUnfiltered: true });
  const args = ["build", ...flags, "--store", join(container.home, "store"), context];
  const { code, stderr } = await container.tsbuild(args);
  assert.is(code, 1);
  assert.match(stderr, "SANDBOX_UNAVAILABLE");
  assert.match(stderr, /masks parts of \/proc/);
  assert.not.match(stderr, "pulling");
});

test("the remedy of the message gives a container the sandbox", async () => {
  const context = await contextOf(["FROM busybox", "RUN echo hello > /f"]);
  const container = new Container({
    writable: [context],
    add: ["SYS_ADMIN", "SYS_TIME"],
    isUnfiltered: true,
    isUnmasked: true,
  });
  const store = join(container.home, "store");
  const { code, stderr } = await container.tsbuild(["build", ...flags, "--store", store, context]);
  assert.is(code, 0, stderr);
});

test("a container without CAP_MKNOD is told what chroot isolation lacks", async () => {
  const context = await contextOf(["FROM busybox", "RUN true"]);
  const container = new Container({ writable: [context], drop: ["MKNOD"] });
  const args = ["build", ...flags, "--isolation", "chroot", "--store", join(container.home, "store"), context];
  const { code, stderr } = await container.tsbuild(args);
  assert.is(code, 1);
  assert.match(stderr, "device node");
  assert.match(stderr, "CAP_MKNOD");
});

test("a build by chroot is marked in what it prints and in its metadata", async () => {
  const context = await contextOf(["FROM busybox", "RUN true"]);
  const metadata = join(context, "metadata.json");
  const args = ["build", ...flags, "--store", join(context, "store"), "--metadata-file", metadata, context];
  const plain = await tsbuildOk([...args, "--isolation", "chroot", "--progress", "plain"]);
  assert.match(plain.stderr, /^warning: .*--isolation chroot/);
  assert.is(JSON.parse(readFileSync(metadata, "utf8"))["tsbuild.isolation"], "chroot");
  const raw = await tsbuildOk([...args, "--isolation=chroot", "--progress", "rawjson"]);
  assert.match(Buffer.from(firstWarning(raw.stderr), "base64").toString(), "IsolationChroot");
  await tsbuildOk([...args, "--isolation", "namespaces"]);
  assert.is(JSON.parse(readFileSync(metadata, "utf8"))["tsbuild.isolation"], "namespaces");
});

function firstWarning(lines: string): string {
  for (const line of lines.split("\n").filter((line) => line.startsWith("{"))) {
    const [warning] = JSON.parse(line).warnings ?? [];
    if (warning !== undefined) return warning.short;
  }
  throw new Error("no warning");
}

const REFUSED: readonly {
  readonly lines: readonly string[];
  readonly flags?: readonly string[];
  readonly what: string;
}[] = [
  { lines: ["RUN true"], flags: ["--network", "none"], what: "--network none" },
  { lines: ["RUN true"], flags: ["--shm-size", "1m"], what: "--shm-size" },
  { lines: ["RUN --network=none true"], what: "RUN --network=none" },
  {
    lines: ["RUN --security=insecure true"],
    flags: ["--allow", "security.insecure"],
    what: "RUN --security=insecure",
  },
  { lines: ["RUN --mount=type=tmpfs,target=/t,size=1m true"], what: "a tmpfs of a given size" },
  {
    lines: ["RUN --mount=type=cache,id=c,target=/a --mount=type=cache,id=c,target=/b true"],
    what: "one cache at two targets",
  },
];

for (const { lines, flags: more = [], what } of REFUSED) {
  test(`${what} is refused by name`, async () => {
    const context = await contextOf(["FROM busybox", "RUN echo before", ...lines]);
    const args = ["build", ...flags, ...more, "--isolation", "chroot", "--store", join(context, "store"), context];
    const { code, stderr } = await tsbuild(args);
    assert.is(code, 1, stderr);
    assert.match(stderr, `${what} cannot be had with --isolation chroot`);
    assert.match(stderr, "[ISOLATION_UNSUPPORTED]");
    assert.not.match(stderr, "DONE");
  });
}

test("a failed step fails as it does in the sandbox", async () => {
  const context = await contextOf(["FROM busybox", "RUN echo out; exit 7"]);
  const args = ["build", ...flags, "--isolation", "chroot", "--store", join(context, "store"), context];
  const { code, stderr } = await tsbuild(args);
  assert.is(code, 7);
  assert.match(stderr, "did not complete successfully: exit code: 7");
});

async function contextOf(lines: readonly string[]): Promise<string> {
  const context = makeContext({
    Dockerfile: dockerfile(...lines),
    "files/a": "A\n",
    "files/b": "B\n",
    inner: "inner\n",
    secret: "s3cret\n",
    ".dockerignore": "secret\nstore\nDockerfile\nmetadata.json\n",
  });
  await commandOutput(["tar", "-C", context, "-cf", join(context, "packed.tar"), "inner"]);
  return context;
}

test.run();
