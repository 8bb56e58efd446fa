import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { DispatchOptions } from "../../../builder/dispatch/index.ts";
import { type ExecOp, type Op, topologicalOrder } from "../../../builder/llb/index.ts";
import { failureOf, ops, run, textAt, vertices } from "./harness.ts";

const test = suite("RUN --mount");

/** The last RUN of a Dockerfile. */
async function lastRun(text: string, overrides: Partial<DispatchOptions> = {}): Promise<ExecOp> {
  const found = (await ops("exec", text, overrides)).at(-1);
  if (found === undefined) throw new Error("no RUN");
  return found;
}

/** Its mounts, for one RUN in /work of an image. */
async function mountsOf(flags: string, before = ""): Promise<ExecOp["mounts"]> {
  return (await lastRun(`FROM a\nWORKDIR /work\n${before}RUN ${flags} x\n`)).mounts;
}

const EMPTY = { type: "empty", uid: 0, gid: 0, mode: 0o755 } as const;
const SECRET = { type: "secret", id: "k", required: false, uid: 0, gid: 0, mode: 0o400 } as const;
const SSH = { type: "ssh", id: "default", required: false, uid: 0, gid: 0, mode: 0o600 } as const;
const BOUND = { type: "bind", input: 1, source: "/source", readonly: true } as const;
const CACHE = { type: "cache", target: "/c", readonly: false, id: "//c", sharing: "shared", initial: EMPTY } as const;

const READ: readonly (readonly [flags: string, mount: object])[] = [
  ["--mount=target=/m", { ...BOUND, target: "/m" }],
  ["--mount=type=bind,dst=m/", { ...BOUND, target: "/work/m" }],
  ["--mount=source=x", { ...BOUND, target: "/work" }],
  ["--mount=destination=/m,rw", { ...BOUND, target: "/m", readonly: false }],
  ["--mount=target=/m,ro=false", { ...BOUND, target: "/m", readonly: false }],
  ["--mount=target=/m,readwrite=0,RW", { ...BOUND, target: "/m", readonly: false }],
  ["--mount=type=bind,from=img,source=../a/./b/,target=/m", { ...BOUND, source: "/a/b", target: "/m" }],
  ["--mount=TYPE=Cache,Target=/c", CACHE],
  ["--mount=type=cache,target=/c/,ro", { ...CACHE, id: "//c/", readonly: true }],
  ["--mount=type=cache,target=c,id=n,sharing=LOCKED", { ...CACHE, target: "/work/c", id: "/n", sharing: "locked" }],
  ["--mount=type=cache,target=/c,uid=5,mode=1777", { ...CACHE, initial: { ...EMPTY, uid: 5, mode: 0o1777 } }],
  ["--mount=type=cache,target=/c,from=img,source=/s", { ...CACHE, initial: { type: "copy", input: 1, source: "/s" } }],
  ["--mount=type=cache,target=/c,from=img", { ...CACHE, initial: { type: "copy", input: 1, source: "/" } }],
  ["--mount=type=cache,target=/c,from=img,gid=7", { ...CACHE, initial: { ...EMPTY, gid: 7 } }],
  ["--mount=type=tmpfs,target=/t", { type: "tmpfs", target: "/t", readonly: false }],
  ["--mount=type=tmpfs,target=/t,size=1.5m,ro", { type: "tmpfs", target: "/t", readonly: true, sizeBytes: 1572864 }],
  ["--mount=type=tmpfs,target=/t,size=64KiB", { type: "tmpfs", target: "/t", readonly: false, sizeBytes: 65536 }],
  ["--mount=type=tmpfs,target=/t,size=0", { type: "tmpfs", target: "/t", readonly: false }],
  ["--mount=type=secret,id=k", { ...SECRET, target: "/run/secrets/k" }],
  ["--mount=type=secret,src=k", { ...SECRET, target: "/run/secrets/k" }],
  ["--mount=type=secret,id=dir/k", { ...SECRET, id: "dir/k", target: "/run/secrets/k" }],
  ["--mount=type=secret,target=/etc/k", { ...SECRET, target: "/etc/k" }],
  ["--mount=type=secret,target=k,required", { ...SECRET, target: "/work/k", required: true }],
  ["--mount=type=secret,id=k,env=K", { ...SECRET, env: "K" }],
  ["--mount=type=secret,id=k,env=K,target=/k", { ...SECRET, env: "K", target: "/k" }],
  [
    "--mount=type=secret,id=k,mode=0444,uid=1,gid=2",
    { ...SECRET, target: "/run/secrets/k", mode: 0o444, uid: 1, gid: 2 },
  ],
  ["--mount=type=secret,id=k,required=false", { ...SECRET, target: "/run/secrets/k" }],
  ["--mount=type=ssh", { ...SSH, target: "/run/buildkit/ssh_agent.0" }],
  [
    "--mount=type=ssh,id=gh,required=1,mode=0666",
    { ...SSH, id: "gh", required: true, mode: 0o666, target: "/run/buildkit/ssh_agent.0" },
  ],
  ["--mount=type=ssh,target=/agent,uid=1000", { ...SSH, target: "/agent", uid: 1000 }],
];

for (const [flags, expected] of READ) {
  test(`RUN ${flags}`, async () => assert.equal(await mountsOf(flags), [expected]));
}

test("values have variables, keys have not, and a value with a comma stays one", async () => {
  const before = "ENV T=/t,rw\nARG TYPE=cache\n";
  // BuildKit cuts fields before it expands.
  assert.equal(await mountsOf(`--mount=type=$TYPE,id=\${NONE:-n},target=$T`, before), [
    { ...CACHE, target: "/t,rw", id: "/n" },
  ]);
});

test("the namespace of caches is an argument of the build", async () => {
  const run = await lastRun("FROM a\nRUN --mount=type=cache,target=/c x\n", {
    buildArgs: { BUILDKIT_CACHE_MOUNT_NS: "ns" },
  });
  assert.equal(run.mounts, [{ ...CACHE, id: "ns//c" }]);
});

test("agents are numbered, and the first is SSH_AUTH_SOCK unless there is one", async () => {
  const flags = "--mount=type=ssh --mount=type=tmpfs,target=/t --mount=type=ssh,id=b";
  const run = await lastRun(`FROM a\nRUN ${flags} x\n`);
  assert.equal(
    run.mounts?.map(({ target }) => target),
    ["/run/buildkit/ssh_agent.0", "/t", "/run/buildkit/ssh_agent.1"],
  );
  assert.equal(run.env.at(-1), "SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0");
  const own = await lastRun(`FROM a\nENV SSH_AUTH_SOCK=/own\nRUN ${flags} x\n`);
  assert.equal(
    own.env.filter((row) => row.startsWith("SSH_AUTH_SOCK=")),
    ["SSH_AUTH_SOCK=/own"],
  );
});

test("a variable that holds a secret is stars in progress", async () => {
  const found = await vertices("FROM a\nENV K=v\nRUN --mount=type=secret,id=k,env=K echo $K $PATH\n");
  assert.match(found.at(-1)?.name ?? "", "echo **** /usr/bin:/bin");
});

test("history has the command and not its mounts", async () => {
  const { image } = await run("FROM a\nRUN --mount=type=cache,target=/c x\n");
  assert.is(image.history.at(-1)?.created_by, "RUN /bin/sh -c x # buildkit");
});

test("mounts of one root share an input, and a script comes behind them", async () => {
  const text = [
    "FROM a AS s",
    "FROM b",
    "RUN --mount=from=s,source=/1,target=/1 --mount=from=s,source=/2,target=/2 <<S",
    "#!/bin/x",
    "S",
    "",
  ];
  assert.equal(
    (await lastRun(text.join("\n"))).mounts?.map((mount) => mount.type === "bind" && [mount.input, mount.source]),
    [
      [1, "/1"],
      [1, "/2"],
      [2, "/"],
    ],
  );
});

test("files in place are copied without what is ignored, by the path that is mounted", async () => {
  const found = await vertices("FROM a\nRUN --mount=source=src/app,target=/m x\n");
  const copied = found.find(({ name }) => name === "[internal] load src/app for a mount");
  const copy = { type: "copy", input: 1, paths: ["/src/app"], wildcards: false, dest: "/source" };
  assert.equal(copied?.op, { type: "file", actions: [copy] } as Op);
});

test("a stage that is only mounted is built, in any case of its name, and not by its index", async () => {
  assert.ok((await vertices("FROM a AS One\nRUN y\nFROM b\nRUN --mount=from=ONE,target=/m x\n")).some(isRunOf("y")));
  const asked: string[] = [];
  const { image } = await import("./harness.ts");
  await run("FROM a AS One\nRUN y\nFROM b\nRUN --mount=from=0,target=/m x\n", {
    resolveImage: async (name) => {
      asked.push(name);
      return image(name);
    },
  });
  assert.ok(asked.includes("0"));
});

test("a trigger of the base mounts, too", async () => {
  const { image } = await import("./harness.ts");
  const OnBuild = ["RUN --mount=type=cache,target=/c --mount=from=s,target=/m x"];
  const run = await lastRun("FROM a AS s\nFROM base\n", {
    resolveImage: async (name) => image(name, name === "base" ? { OnBuild } : {}),
  });
  assert.equal(
    run.mounts?.map(({ type }) => type),
    ["cache", "bind"],
  );
});

function isRunOf(script: string) {
  return ({ op }: { op: Op }) => op.type === "exec" && op.argv.at(-1) === script;
}

interface Refusal {
  readonly flags: string;
  readonly message: string;
  /** What the caret is under. */
  readonly at: string;
  readonly hint?: string;
}

const REFUSED: readonly Refusal[] = [
  {
    flags: "--mount=type=bnid,target=/m",
    message: 'unsupported mount type "bnid"',
    at: "type=bnid",
    hint: "did you mean bind?",
  },
  { flags: "--mount=type=,target=/m", message: 'unsupported mount type ""', at: "type=" },
  {
    flags: "--mount=type=bind,traget=/m",
    message: "unexpected key 'traget' in 'traget=/m'",
    at: "traget=/m",
    hint: "did you mean target?",
  },
  { flags: "--mount=tmpfs-size=1", message: "unexpected key 'tmpfs-size' in 'tmpfs-size=1'", at: "tmpfs-size=1" },
  { flags: "--mount=type=bind,b,target=/m", message: "invalid field 'b' must be a key=value pair", at: "b" },
  {
    flags: "--mount=type=cache,target=/m,sharing=lokced",
    message: 'unsupported sharing value "lokced"',
    at: "sharing=lokced",
    hint: "did you mean locked?",
  },
  {
    flags: "--mount=target=/m,sharing=locked",
    message: "invalid cache sharing set for bind mount",
    at: "sharing=locked",
  },
  { flags: "--mount=target=/m,size=1", message: "unexpected key 'size' for mount type 'bind'", at: "size=1" },
  {
    flags: "--mount=size=1,type=tmpfs,target=/m",
    message: "unexpected key 'size' for mount type 'bind'",
    at: "size=1",
  },
  { flags: "--mount=type=tmpfs,size=big,target=/m", message: "invalid value for size: big", at: "size=big" },
  { flags: "--mount=target=/m,required", message: "unexpected key 'required' for mount type 'bind'", at: "required" },
  {
    flags: "--mount=type=cache,required=true,target=/m",
    message: "unexpected key 'required' for mount type 'cache'",
    at: "required=true",
  },
  { flags: "--mount=target=/m,ro=yes", message: "invalid value for ro: yes", at: "ro=yes" },
  { flags: "--mount=target=/m,RW=maybe", message: "invalid value for rw: maybe", at: "RW=maybe" },
  {
    flags: "--mount=type=secret,id=k,required=maybe",
    message: "invalid value for required: maybe",
    at: "required=maybe",
  },
  { flags: "--mount=target=/m,mode=755", message: 'mode not allowed for "bind" type mounts', at: "mode=755" },
  { flags: "--mount=type=tmpfs,target=/m,uid=1", message: 'uid not allowed for "tmpfs" type mounts', at: "uid=1" },
  { flags: "--mount=target=/m,gid=1", message: 'gid not allowed for "bind" type mounts', at: "gid=1" },
  { flags: "--mount=type=cache,target=/m,mode=0789", message: "invalid value 0789 for mode", at: "mode=0789" },
  { flags: "--mount=type=cache,target=/m,uid=root", message: "invalid value root for uid", at: "uid=root" },
  {
    flags: "--mount=type=cache,target=/m,gid=4294967296",
    message: "invalid value 4294967296 for gid",
    at: "gid=4294967296",
  },
  { flags: "--mount=type=secret", message: "invalid secret mount. one of source, target required", at: "type=secret" },
  {
    flags: "--mount=type=secret,env=X",
    message: "invalid secret mount. one of source, target required",
    at: "type=secret,env=X",
  },
  { flags: "--mount=type=secret,id=a,source=b", message: "both source and id can't be set", at: "source=b" },
  { flags: "--mount=type=secret,id=a,from=b", message: "secret mount should not have a from", at: "from=b" },
  {
    flags: "--mount=type=secret,id=a,sharing=private",
    message: "secret mount should not define sharing",
    at: "sharing=private",
  },
  { flags: "--mount=type=ssh,source=x", message: "ssh does not support source", at: "source=x" },
  { flags: "--mount=target=/", message: 'invalid mount target "/"', at: "target=/" },
  { flags: "--mount=type=tmpfs,target=/a/..", message: 'invalid mount target "/"', at: "target=/a/.." },
  { flags: "--mount=source=x", message: 'invalid mount target "/"', at: "source=x" },
  {
    flags: `--mount=type=cache,target=\${T?no target}`,
    message: `failed to process "\${T?no target}": T: no target`,
    at: `\${T?no target}`,
  },
];

for (const { flags, message, at, hint } of REFUSED) {
  test(`refused: RUN ${flags}`, async () => {
    const error = await failureOf(`FROM a\nRUN ${quoted(flags)} x\n`);
    assert.is(error.message, message);
    assert.is(textAt(error), at);
    if (hint !== undefined) assert.is(error.hint, hint);
  });
}

/** A flag ends at a blank outside quotes. */
function quoted(flags: string): string {
  return flags.includes(" ") ? flags.replace(/\$\{[^}]*\}/, (word) => `"${word}"`) : flags;
}

test("the caret is right on a continued line, and with quotes and escapes in front", async () => {
  const error = await failureOf('FROM a\nRUN --mount="type=tmpfs",target=\\/m,sise=1 x\n');
  assert.is(textAt(error), "sise=1");
  const continued = await failureOf("FROM a\nRUN --mount=type=tmpfs,\\\ntarget=/m,sise=1 x\n");
  assert.equal([continued.range?.start.line, textAt(continued)], [3, "sise=1"]);
});

const GRAPH: readonly (readonly [name: string, text: string, message: string, at: string])[] = [
  [
    "a later stage",
    "FROM a\nRUN --mount=from=b,target=/m x\nFROM a AS b\nRUN y\n",
    'cannot mount from stage "b" to "/m", stage needs to be defined before current command',
    "b",
  ],
  ["itself", "FROM a AS b\nRUN --mount=from=b,target=/m x\n", "circular dependency detected on stage: b", "b"],
  [
    "one that copies from it",
    "FROM a AS b\nRUN --mount=from=c,target=/m x\nFROM a AS c\nCOPY --from=b x x\n",
    "circular dependency detected on stage: b",
    "b",
  ],
  ["an image that is not there", "FROM a\nRUN --mount=from=missing,target=/m x\n", "cannot resolve missing", "missing"],
];

for (const [name, text, message, at] of GRAPH) {
  test(`refused: a mount from ${name}`, async () => {
    const target = text.includes("FROM a AS b\nRUN y") ? { target: "" } : {};
    const error = await failureOf(text, name === "a later stage" ? { ...target, allStages: true } : target);
    assert.is(error.message, message);
    assert.is(textAt(error), at);
  });
}

const DEVICES: readonly (readonly [flag: string, message: string, at: string])[] = [
  ["--device=vendor.com/gpu=0", "RUN --device is not supported yet", "vendor.com/gpu=0"],
  ["--device=name=x,required", "RUN --device is not supported yet", "name=x,required"],
  ["--device=name=x,name=y", "dockerfile parse error on line 2: device name already set to x", "name=y"],
  ["--device=x,requird=1", "dockerfile parse error on line 2: unexpected key 'requird' in 'requird=1'", "requird=1"],
  ["--device=x,y", "dockerfile parse error on line 2: invalid field 'y' must be a key=value pair", "y"],
  ["--device=x,required=no", "dockerfile parse error on line 2: invalid value for required: no", "required=no"],
  ["--device=", "dockerfile parse error on line 2: failed to parse csv devices: EOF", ""],
  ["--mount=", "dockerfile parse error on line 2: failed to parse csv mounts: EOF", ""],
];

for (const [flag, message, at] of DEVICES) {
  test(`refused: RUN ${flag}`, async () => {
    const error = await failureOf(`FROM a\nRUN ${flag} x\n`);
    assert.is(error.message, message);
    assert.is(textAt(error), at);
  });
}

test("vertices are the same for the same mounts, and others for other ones", async () => {
  const digest = async (flags: string) => {
    const { target } = await run(`FROM a\nRUN ${flags} x\n`);
    return topologicalOrder(target.vertex).at(-1)?.digest;
  };
  assert.is(await digest("--mount=type=cache,target=/c"), await digest("--mount=type=cache,dst=/c"));
  assert.is.not(await digest("--mount=type=cache,target=/c"), await digest("--mount=type=cache,target=/d"));
});

test.run();
