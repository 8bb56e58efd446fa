import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { TSBUILD, tsbuildOk } from "../helpers/cli.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { Terminal } from "../helpers/terminal.ts";

const terminal = suite("e2e: tsbuild run on a terminal");

const store = makeTempDir("store");
const BUSYBOX = `oci-layout://${await baseImage("busybox")}:latest`;
const ENV = { NO_COLOR: "1", TSBUILD_STORE: undefined };

await tsbuildOk(["run", "--store", store, BUSYBOX, "true"]);

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

/** What the test's own shell runs; `run` in it is the command with a terminal and busybox. */
function start(script: string): Terminal {
  const run = `run() { ${TSBUILD.map((word) => `'${word}'`).join(" ")} run --store '${store}' -it "$@"; }`;
  return new Terminal(["bash", "-c", `${run}; image='${BUSYBOX}'; ${script}`], ENV);
}

terminal(
  "the command has a terminal of the sandbox's own, of this one's size, in which it is the session's leader",
  async () => {
    const shown = start(
      'run "$image" sh -c "tty; stty size; ls /dev/pts; echo hello > /dev/tty; stat -c %t:%T /dev/console"',
    );
    await shown.expect(/\/dev\/pts\/0\r\n28 90\r\n0 +ptmx\r\nhello\r\n88:0\r\n/);
    assert.is(await shown.exit(), 0);
  },
);

terminal("keys go to the command as they are typed; Ctrl-C interrupts what it runs, Ctrl-D ends it", async () => {
  const shown = start('run "$image"');
  await shown.expect(/# /);
  shown.type("sleep 600\r");
  await shown.expect(/sleep 600\r\n/);
  shown.type("\x03");
  await shown.expect(/# /);
  shown.type("echo code=$?; exit 7\r");
  await shown.expect(/code=130\r\n/);
  assert.is(await shown.exit(), 7);
});

terminal("job control works: Ctrl-Z stops, fg goes on", async () => {
  const shown = start('run "$image"');
  await shown.expect(/# /);
  shown.type("sleep 600\r");
  await shown.expect(/sleep 600\r\n/);
  shown.type("\x1a");
  await shown.expect(/Stopped/);
  shown.type("kill %1; fg; echo over=$?\r");
  await shown.expect(/over=\d+\r\n/);
  shown.type("\x04");
  await shown.exit();
});

terminal("a new size of this terminal is told to the command", async () => {
  const shown = start(`run "$image" sh -c "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done"`);
  await shown.expect(/ready/);
  shown.resize(132, 50);
  await shown.expect(/50 132\r\n/);
  assert.is(await shown.exit(), 0);
});

terminal("output passes as it is: a raw program's line feeds stay alone", async () => {
  const shown = start('run "$image" sh -c "stty raw; printf \'a\\nb\\r\\n\'; stty sane; echo end"');
  await shown.expect(/end/);
  assert.match(shown.shown, /a\nb\r\n/);
});

for (const [how, script] of [
  ["the command ends", "exit 3"],
  ["the command is killed", "kill -9 $$"],
] as const) {
  terminal(`this terminal has its own modes again when ${how}`, async () => {
    const shown = start(`before=$(stty -g); run "$image" sh -c '${script}'; [ "$before" = "$(stty -g)" ] && echo same`);
    await shown.expect(/same\r\n/);
  });
}

terminal("and when a signal ends tsbuild itself", async () => {
  const command = `run --sig-proxy=false --stop-timeout 1 "$image" sh -c 'echo ready; exec sleep 600'`;
  const shown = start(`before=$(stty -g); (sh -c 'echo pid=$PPID'; ${command}); echo "code=$? $(stty -g)=$before"`);
  const [, shell = ""] = await shown.expect(/pid=(\d+)/);
  await shown.expect(/ready/);
  for (const pid of childrenOf(Number(shell))) process.kill(pid, "SIGTERM");
  const [, after, before] = await shown.expect(/code=143 (.*)=(.*)\r\n/);
  assert.is(after, before);
});

terminal("what a program pushes into its terminal never reaches this one", async () => {
  const debian = `oci-layout://${await baseImage("debian")}:latest`;
  // ioctl_tty(2): TIOCSTI for every byte, on each descriptor; then TIOCLINUX, paste.
  const push = `for my $c (split //, "echo pushed\\n") { for my $f (0, 1, 2) { open(my $t, "+<&=", $f); ioctl($t, 0x5412, $c); ioctl($t, 0x541c, "\\3"); } }`;
  const shown = start(`run '${debian}' perl -e '${push}'; read -r -t 1 line; echo "read=[$line]"; echo end`);
  await shown.expect(/read=\[\]\r\n/);
});

terminal("input that is no terminal is refused", async () => {
  const shown = start('true | run "$image"; echo code=$?');
  await shown.expect(/the input device is not a TTY[\s\S]*code=125\r\n/);
});

terminal.run();
