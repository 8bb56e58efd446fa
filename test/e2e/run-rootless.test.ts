import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "../helpers/base-images.ts";
import { OrdinaryUser } from "../helpers/ordinary-user.ts";
import { Terminal } from "../helpers/terminal.ts";

const rootless = suite("e2e: tsbuild run as an ordinary user");

const user = new OrdinaryUser();
const BUSYBOX = `oci-layout://${user.pathOf(await baseImage("busybox"))}:latest`;

rootless("the command is root of its own, with input, output and the exit code", async () => {
  const script = "id -u; cat; echo err >&2; exit 9";
  const ran = await user.tsbuild(["run", "-i", BUSYBOX, "sh", "-c", script], { input: "typed\n" });
  assert.equal([ran.code, ran.stdout], [9, "0\ntyped\n"]);
  assert.match(ran.stderr, /err\n$/);
});

rootless("a volume belongs to the user, and what is written there too", async () => {
  const ran = await user.tsbuild([
    "run",
    "-v",
    `${user.home}:/v`,
    BUSYBOX,
    "sh",
    "-c",
    "stat -c %u /v; echo x > /v/made",
  ]);
  assert.equal([ran.code, ran.stdout], [0, "0\n"]);
  assert.ok(readdirSync(user.home).includes("made"));
});

rootless("there is a terminal too, and nothing is left afterwards", async () => {
  const terminal = new Terminal(user.tsbuildLine("run", "-it", BUSYBOX, "sh"), user.env);
  await terminal.expect(/# /);
  terminal.type("tty; stty size; exit 3\r");
  await terminal.expect(/\/dev\/pts\/0\r\n28 90\r\n/);
  assert.is(await terminal.exit(), 3);
  assert.equal(readdirSync(join(user.home, ".local/share/tsbuild/tmp")), []);
});

rootless.run();
