import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBusyboxTree } from "../../helpers/busybox-tree.ts";
import { commandOutput } from "../../helpers/command.ts";
import type { Subject } from "./contender.ts";

/** Makes the root file system and compiles what is run in it, and what starts it, under `work`. Needs gcc. */
export async function makeSubject(work: string): Promise<Subject> {
  mkdirSync(work, { recursive: true });
  const rootfs = await makeBusyboxTree(work);
  for (const [name, exitCode] of [
    ["quick-true", 0],
    ["quick-false", 1],
  ] as const) {
    const source = join(work, `${name}.c`);
    writeFileSync(source, `int main(void) { return ${exitCode}; }\n`);
    await compile(source, join(rootfs, "bin", name));
  }
  const spawnLoop = join(work, "spawn-loop");
  await compile(fileURLToPath(new URL("spawn-loop.c", import.meta.url)), spawnLoop);
  return { rootfs, program: "/bin/quick-true", failing: "/bin/quick-false", work, spawnLoop };
}

async function compile(source: string, output: string): Promise<void> {
  await commandOutput(["gcc", "-O2", "-static", "-o", output, source]);
}
