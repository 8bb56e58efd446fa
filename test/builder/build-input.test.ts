import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { BuildInput } from "../../builder/build-input.ts";
import { MAX_DOCKERFILE_BYTES } from "../../builder/dockerfile-text.ts";
import { BuildError } from "../../builder/errors.ts";
import { makeTempDir } from "../helpers/temp.ts";

const input = suite("build input");

async function* chunks(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof BuildError) return error.code;
    throw error;
  }
  return "none";
}

input("a Dockerfile comes whole, however it is cut", async () => {
  const long = `# ${"x".repeat(3000)}\n`;
  const opened = await BuildInput.open(chunks("FROM ", "scratch\n", long, "# end\n"));
  assert.is(opened.isArchive, false);
  assert.is(await opened.text(), `FROM scratch\n${long}# end\n`);
});

input("an archive is known although its first bytes come one by one", async () => {
  const bytes = Buffer.concat([Buffer.from([0x1f, 0x8b, 0x08]), Buffer.alloc(2000, 1)]);
  const opened = await BuildInput.open(chunks(...[...bytes].map((byte) => Buffer.from([byte]))));
  assert.is(opened.isArchive, true);
  const path = join(makeTempDir("input"), "saved");
  await opened.save(path, 4096);
  assert.equal(readFileSync(path), bytes);
});

input("what is too large, an archive, or no UTF-8 is no Dockerfile", async () => {
  const half = Buffer.alloc(MAX_DOCKERFILE_BYTES / 2 + 1, "x");
  assert.is(await codeOf((await BuildInput.open(chunks(half, half))).text()), "DOCKERFILE_UNREADABLE");
  assert.is(await codeOf((await BuildInput.open(chunks("BZh9"))).text()), "DOCKERFILE_UNREADABLE");
  assert.is(await codeOf((await BuildInput.open(chunks(Buffer.from([0xff])))).text()), "DOCKERFILE_UNREADABLE");
});

input("an archive past the limit is refused, and nothing is overwritten", async () => {
  const path = join(makeTempDir("input"), "saved");
  const open = () => BuildInput.open(chunks("BZh9", Buffer.alloc(100)));
  assert.is(await codeOf((await open()).save(join(path, "..", "large"), 50)), "CONTEXT_TOO_LARGE");
  writeFileSync(path, "kept");
  const again = await open();
  await again.save(path, 500).then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.is(error.code, "EEXIST"),
  );
  assert.is(readFileSync(path, "utf8"), "kept");
});

input("waiting for bytes that never come ends with the signal", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  const waiting = BuildInput.open(silent, controller.signal);
  controller.abort(reason);
  assert.is(await waiting.catch((error: unknown) => error), reason);
});

input.run();
