import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "./helpers/base-images.ts";
import { commandOutput } from "./helpers/command.ts";
import { inspectDigest } from "./helpers/peers.ts";
import { makeTempDir } from "./helpers/temp.ts";

const examples = suite("examples, against the built package");

function runExample(name: string, ...args: readonly string[]): Promise<string> {
  return commandOutput([process.execPath, "--import", "tsx", `examples/${name}`, ...args]);
}

examples("library.ts builds an image and prints its digest and command", async () => {
  const store = makeTempDir("store");
  const output = await runExample("library.ts", store, await baseImage("busybox"));
  const [digest = "", command] = output.trim().split(" ");
  assert.is(command, "./greet.sh");
  assert.is(await inspectDigest(`oci:${store}:example.com/hello:1`), digest);
});

examples("copy.ts copies an image between layouts", async () => {
  const to = join(makeTempDir("copy"), "layout");
  const output = await runExample("copy.ts", await baseImage("busybox"), "latest", to);
  assert.is(output, `${await inspectDigest(`oci:${to}:latest`)} 1 layers\n`);
});

examples.run();
