import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type RunningStep, runSandbox, type SandboxIo } from "../../runtime-core/index.ts";
import { type Ran, type SpecChanges, stepSpec } from "./sandbox-fixture.ts";

const terminal = suite("sandbox: input, terminal and signals");

type Source = AsyncIterable<Uint8Array>;

/** Runs `script` with something to read and a way to reach it; `onLine` hears of each line that it writes. */
async function talk(
  script: string,
  changes: SpecChanges,
  { stdin, onLine }: { stdin?: Source; onLine?: (line: string, step: RunningStep) => void } = {},
): Promise<Ran> {
  const output = { stdout: "", stderr: "" };
  let step: RunningStep | undefined;
  const io: SandboxIo = {
    onStdout: (chunk) => {
      output.stdout += Buffer.from(chunk).toString("latin1");
      const lines = output.stdout.split("\n");
      if (step !== undefined && lines.length > 1) onLine?.(lines.at(-2) ?? "", step);
    },
    onStderr: (chunk) => {
      output.stderr += Buffer.from(chunk).toString("latin1");
    },
    onStart: (running) => {
      step = running;
    },
    ...(stdin === undefined ? {} : { stdin }),
  };
  return { ...(await runSandbox(stepSpec(script, changes), io)), ...output };
}

async function* pieces(...texts: readonly string[]): Source {
  for (const text of texts) yield Buffer.from(text);
}

/** Never ends by itself. */
async function* endless(): Source {
  for (;;) yield Buffer.alloc(64 << 10, "y");
}

async function* silent(): Source {
  await sleep(3_600_000, undefined, { ref: false });
  yield Buffer.alloc(0);
}

const TERMINAL = { terminal: { columns: 100, rows: 30 } };

terminal("without input there is nothing to read", async () => {
  assert.is((await talk("readlink /proc/self/fd/0; cat", {})).stdout, "/dev/null\n");
});

terminal("input arrives whole, and ends", async () => {
  const piece = createHash("sha512").update("seed").digest();
  const bytes = Buffer.concat(Array.from({ length: (20 << 20) / piece.length }, () => piece));
  async function* halves(): Source {
    yield bytes.subarray(0, 12_345_678);
    yield bytes.subarray(12_345_678);
  }
  const { stdout } = await talk("sha256sum", {}, { stdin: halves() });
  assert.is(stdout, `${createHash("sha256").update(bytes).digest("hex")}  -\n`);
});

terminal("a command that reads less than there is ends when it likes", async () => {
  assert.is((await talk("head -c 3", {}, { stdin: endless() })).stdout, "yyy");
});

terminal("a command that reads nothing does not wait for a source that says nothing", async () => {
  assert.is((await talk("echo done", {}, { stdin: silent() })).stdout, "done\n");
});

terminal("an input that fails ends the step with its error", async () => {
  async function* failing(): Source {
    yield Buffer.from("one\n");
    throw new Error("the source is broken");
  }
  try {
    await talk("cat; sleep 600", {}, { stdin: failing() });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "the source is broken");
  }
});

terminal("an ordinary user of the step can open /dev/stdin anew", async () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [] };
  assert.is((await talk("cat /dev/stdin", { user }, { stdin: pieces("hello\n") })).stdout, "hello\n");
});

terminal("the terminal is the step's own, of its user, of the size asked for, and its console", async () => {
  const script = "tty; stty size; stat -c '%u %a %t:%T' /dev/pts/0 /dev/console; ls /dev/pts";
  const { stdout } = await talk(script, { ...TERMINAL, user: { uid: 1000, gid: 1000, additionalGids: [] } });
  assert.equal(stdout.trimEnd().split("\r\n"), [
    "/dev/pts/0",
    "30 100",
    "1000 620 88:0",
    "1000 620 88:0",
    "0     ptmx",
  ]);
});

terminal("it is the terminal of the command's session: /dev/tty opens, and job control works", async () => {
  const script = "set -m; echo to-tty > /dev/tty; sleep 600 & kill %1; wait %1; echo $?";
  const { stdout } = await talk(script, TERMINAL);
  assert.match(stdout, /^to-tty\r\n(?:.*\r\n)*143\r\n$/);
});

for (const [name, input, expected] of [
  ["after a whole line", ["one\n"], "one\r\none\r\nend\r\n"],
  ["after a part of one", ["one\n", "two"], "one\r\ntwoone\r\ntwoend\r\n"],
] as const) {
  terminal(`the end of input is an end of file on the terminal, ${name}`, async () => {
    // The echo of what is typed may come before or after what cat makes of it.
    const { stdout } = await talk("cat; echo end", TERMINAL, { stdin: pieces(...input) });
    assert.is([...stdout].sort().join(""), [...expected].sort().join(""));
    assert.match(stdout, /end\r\n$/);
  });
}

terminal("Ctrl-C on the terminal reaches what is in the foreground", async () => {
  async function* typed(): Source {
    await ready;
    yield Buffer.from("\x03");
  }
  let sayReady = () => {};
  const ready = new Promise<void>((resolve) => {
    sayReady = resolve;
  });
  const script = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.1; done";
  const ran = await talk(script, TERMINAL, { stdin: typed(), onLine: () => sayReady() });
  assert.is(ran.exitCode, 7);
  assert.match(ran.stdout, /interrupted/);
});

terminal("all output of a terminal is there when the command has ended", async () => {
  const { stdout } = await talk("seq 1 20000", TERMINAL);
  assert.is(stdout, Array.from({ length: 20_000 }, (_, index) => `${index + 1}\r\n`).join(""));
});

terminal("a new window size is told to the program", async () => {
  const script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
  const resize = (line: string, step: RunningStep) => {
    if (line.startsWith("ready")) step.resize({ columns: 132, rows: 50 });
  };
  assert.match((await talk(script, TERMINAL, { onLine: resize })).stdout, /50 132\r\n$/);
});

terminal("a signal goes to the command, in the order it was sent", async () => {
  const script = `trap 'echo usr1' USR1; trap 'echo int; exit 9' INT; echo ready; while :; do sleep 0.05; done`;
  const signals = (line: string, step: RunningStep) => {
    if (line === "ready") step.signal(10);
    if (line === "usr1") step.signal(2);
  };
  const { exitCode, stdout } = await talk(script, {}, { onLine: signals });
  assert.equal([exitCode, stdout], [9, "ready\nusr1\nint\n"]);
});

terminal("a signal that is not caught ends the command, SIGKILL too", async () => {
  for (const [number, name] of [
    [15, "SIGTERM"],
    [9, "SIGKILL"],
  ] as const) {
    const ran = await talk("echo ready; exec sleep 600", {}, { onLine: (_, step) => step.signal(number) });
    assert.equal([ran.exitCode, ran.signal], [128 + number, name]);
  }
});

terminal("a process of the step cannot have signals sent in its name", async () => {
  // SIGRTMIN, which carries numbers from the helper's parent, here without one.
  assert.is((await talk("kill -34 1; sleep 0.2; echo alive", {})).stdout, "alive\n");
});

terminal("a read-only root can be written in its mounts and /dev/shm alone", async () => {
  const mounts = [{ type: "tmpfs", target: "/scratch", readonly: false }] as const;
  const script = "for f in /new /scratch/new /dev/shm/new; do touch $f 2>/dev/null && echo $f; done";
  assert.is((await talk(script, { readOnlyRoot: true, mounts })).stdout, "/scratch/new\n/dev/shm/new\n");
});

terminal("a dropped capability is in no set", async () => {
  const { stdout } = await talk("grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status", {
    droppedCapabilities: ["CHOWN", "SETFCAP"],
  });
  assert.equal(
    stdout.match(/[0-9a-f]{16}/g),
    Array.from({ length: 3 }, () => "00000000280425fa"),
  );
});

terminal.run();
