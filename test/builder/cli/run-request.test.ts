import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlags, splitAtPositional } from "../../../builder/cli/flags.ts";
import { droppedCapabilities } from "../../../builder/cli/parse-capability.ts";
import { parseRunMount, parseTmpfs, parseVolume } from "../../../builder/cli/parse-volume.ts";
import { RUN_FLAGS } from "../../../builder/cli/run-flags.ts";
import { runRequest } from "../../../builder/cli/run-request.ts";
import { UsageError } from "../../../builder/cli/usage-error.ts";
import { containerOp } from "../../../builder/run-op.ts";
import { signalNumber } from "../../../builder/stop-signal.ts";
import { makeTempDir } from "../../helpers/temp.ts";

const request = suite("run command line");

function parse(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { flags, rest } = splitAtPositional(args, RUN_FLAGS);
  return runRequest(parseFlags(flags, RUN_FLAGS, "run"), rest, env);
}

const SPLITS: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["busybox", "ls", "-l", "--help"],
    ["busybox", "ls", "-l", "--help"],
  ],
  [["-it", "--name", "x", "busybox"], ["busybox"]],
  [
    ["-e", "A=1", "-v/a:/b", "-w=/c", "busybox", "-i"],
    ["busybox", "-i"],
  ],
  [
    ["--read-only", "--", "busybox", "--"],
    ["busybox", "--"],
  ],
  [["-itu", "7", "busybox"], ["busybox"]],
];
for (const [args, rest] of SPLITS) {
  request(`the image of ${args.join(" ")} is ${rest[0]}`, () => {
    assert.equal(splitAtPositional(args, RUN_FLAGS).rest, rest);
  });
}

request("each flag has one row, and each letter one flag", () => {
  const names = RUN_FLAGS.map(({ name }) => name);
  const letters = RUN_FLAGS.flatMap(({ short }) => short ?? []);
  assert.equal([names.length, letters.length], [new Set(names).size, new Set(letters).size]);
});

request("input, terminal and signals are the command's to connect", () => {
  const { isInteractive, hasTerminal, forwardsSignals } = parse(["-it", "--sig-proxy=false", "busybox"]);
  assert.equal([isInteractive, hasTerminal, forwardsSignals], [true, true, false]);
});

request("the last of a variable counts, flags over files", () => {
  const file = join(makeTempDir("env"), "env");
  writeFileSync(file, "A=file\nB=file\nC\n#D=1\n\n");
  const { options } = parse(["-e", "A=flag", "--env-file", file, "-e", "E", "busybox"], { C: "own", E: "own too" });
  assert.equal(options.env, { A: "flag", B: "file", C: "own", E: "own too" });
});

const MOUNTS: readonly (readonly [string, () => unknown, unknown])[] = [
  ["-v /a:/b", () => parseVolume("/a:/b"), { type: "bind", source: "/a", target: "/b", readonly: false }],
  [
    "-v ./a:/b/:ro,z",
    () => parseVolume("./a:/b/:ro,z"),
    { type: "bind", source: resolve("a"), target: "/b", readonly: true },
  ],
  [
    "--mount with ro=true",
    () => parseRunMount("type=bind,source=/a,destination=/b,ro=true,bind-propagation=rprivate"),
    { type: "bind", source: "/a", target: "/b", readonly: true },
  ],
  [
    "--mount readonly",
    () => parseRunMount("type=tmpfs,dst=/b,readonly"),
    { type: "tmpfs", target: "/b", readonly: true },
  ],
  ["--tmpfs", () => parseTmpfs("/b:rw,size=1k"), { type: "tmpfs", target: "/b", readonly: false, sizeBytes: 1024 }],
];
for (const [text, parseIt, expected] of MOUNTS) {
  request(`${text} is read`, () => assert.equal(parseIt(), expected));
}

const STOP_TIMEOUTS: readonly (readonly [string, number])[] = [
  ["0", 0],
  ["10", 10_000],
  ["-1", Number.POSITIVE_INFINITY],
];
for (const [seconds, stopTimeoutMs] of STOP_TIMEOUTS) {
  request(`--stop-timeout ${seconds} is read as docker reads it`, () => {
    assert.is(parse([`--stop-timeout=${seconds}`, "busybox"]).options.stopTimeoutMs, stopTimeoutMs);
  });
}

const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ["a volume without a target", () => parseVolume("/a"), /invalid value "\/a" for --volume/],
  ["a shared volume", () => parseVolume("/a:/b:rshared"), /invalid value/],
  ["a named volume", () => parseVolume("data:/b"), /no named volumes/],
  ["a target outside the root", () => parseVolume("/a:../b"), /invalid value/],
  ["a target that is the root", () => parseVolume("/a:/x/.."), /invalid value/],
  ["a volume mount", () => parseRunMount("src=data,dst=/b"), /no named volumes/],
  ["a mount with an unknown key", () => parseRunMount("type=bind,src=/a,dst=/b,uid=1"), /invalid value/],
  ["a mount that is shared", () => parseRunMount("type=bind,src=/a,dst=/b,bind-propagation=rshared"), /invalid value/],
  ["an unknown tmpfs option", () => parseTmpfs("/a:uid=1"), /invalid value/],
  ["a negative stop timeout", () => parse(["--stop-timeout=-2", "busybox"]), /invalid value "-2" for --stop-timeout/],
  ["a stop timeout of a month", () => parse(["--stop-timeout=2678400", "busybox"]), /for --stop-timeout/],
  [
    "an unknown time to ask the registry",
    () => parse(["--pull", "often", "busybox"]),
    /one of missing|invalid value "often"/,
  ],
];
for (const [what, parseIt, message] of REFUSED) {
  request(`${what} is refused`, () => {
    assert.throws(parseIt, (error: unknown) => error instanceof UsageError && message.test(error.message));
  });
}

request("what is added counts over what is dropped", () => {
  assert.equal(droppedCapabilities([], []), []);
  assert.equal(droppedCapabilities(["cap_chown", "NET_RAW", "SYS_ADMIN"], ["CHOWN"]), ["NET_RAW"]);
  assert.is(droppedCapabilities(["all"], ["CAP_KILL"]).length, 13);
  assert.throws(() => droppedCapabilities([], ["ALL"]), /--cap-add ALL is not supported/);
});

request("Entrypoint, Cmd and the command line are combined as docker does", () => {
  const config = { Entrypoint: ["/e"], Cmd: ["c"], Env: ["A=1", "PATH=/p"], WorkingDir: "/w/../x" };
  const argv = (options: Partial<Parameters<typeof containerOp>[1]>) =>
    containerOp(config, { image: "i", ...options }).argv;
  assert.equal(argv({}), ["/e", "c"]);
  assert.equal(argv({ command: ["d"] }), ["/e", "d"]);
  assert.equal(argv({ entrypoint: ["/f"] }), ["/f"]);
  assert.equal(argv({ entrypoint: [], command: ["d"] }), ["d"]);
  assert.throws(() => argv({ entrypoint: [] }), /no command specified/);
  const { env, cwd } = containerOp(config, {
    image: "i",
    hostname: "h",
    env: { A: "2" },
    terminal: { columns: 1, rows: 1 },
  });
  assert.equal([env, cwd], [["PATH=/p", "HOSTNAME=h", "TERM=xterm", "A=2"], "/x"]);
});

request("signals have names and numbers", () => {
  assert.equal(["SIGTERM", "int", "9", "RTMIN", "SIGRTMIN+3", "RTMAX-1"].map(signalNumber), [15, 2, 9, 34, 37, 63]);
  for (const text of ["", "0", "65", "SIGNOT", "RTMIN+40"]) assert.throws(() => signalNumber(text), /invalid signal/);
});

request.run();
