import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { baseImage } from "./helpers/base-images.ts";
import { commandOutput } from "./helpers/command.ts";
import { dockerfile, makeContext } from "./helpers/context.ts";
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

examples("check.ts prints what is odd about a Dockerfile and what its build takes", async () => {
  const context = makeContext({
    Dockerfile: dockerfile(
      "# tools What the app is built with",
      "FROM busybox AS tools",
      "FROM tools",
      "ARG VERSION=1",
      "RUN --mount=type=secret,id=token,required --mount=type=ssh true",
      "CMD app $VERSION",
    ),
  });
  const output = await runExample("check.ts", context, makeTempDir("store"), await baseImage("busybox"));
  assert.is(
    output,
    dockerfile(
      "Dockerfile:6: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (JSONArgsRecommended)",
      "--build-arg VERSION=1",
      "--secret id=token",
      "--ssh default",
      "--target tools What the app is built with",
    ),
  );
});

examples.run();
